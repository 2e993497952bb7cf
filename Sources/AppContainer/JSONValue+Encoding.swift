// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// The document as text: on one line without blanks, or indented with tabs, one member or element per line.
    package func encoded(pretty: Bool = false) -> String {
        var output: [UInt8] = []
        write(to: &output, indentation: pretty ? 0 : nil)
        return String(decoding: output, as: UTF8.self)
    }

    private func write(to output: inout [UInt8], indentation: Int?) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let flag): output.append(contentsOf: (flag ? "true" : "false").utf8)
        case .number(let literal): output.append(contentsOf: literal.utf8)
        case .string(let text): JSONValue.write(text, to: &output)
        case .array(let elements):
            JSONValue.write(elements, between: ("[", "]"), to: &output, indentation) { element, output, inner in
                element.write(to: &output, indentation: inner)
            }
        case .object(let object):
            JSONValue.write(object.members, between: ("{", "}"), to: &output, indentation) { member, output, inner in
                JSONValue.write(member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                if inner != nil { output.append(UInt8(ascii: " ")) }
                member.value.write(to: &output, indentation: inner)
            }
        }
    }

    private static func write<Item>(
        _ items: [Item], between brackets: (Unicode.Scalar, Unicode.Scalar), to output: inout [UInt8],
        _ indentation: Int?, item: (Item, inout [UInt8], Int?) -> Void
    ) {
        output.append(UInt8(ascii: brackets.0))
        for (index, element) in items.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            newLine(indentation.map { $0 + 1 }, to: &output)
            item(element, &output, indentation.map { $0 + 1 })
        }
        if !items.isEmpty { newLine(indentation, to: &output) }
        output.append(UInt8(ascii: brackets.1))
    }

    private static func newLine(_ indentation: Int?, to output: inout [UInt8]) {
        guard let indentation else { return }
        output.append(UInt8(ascii: "\n"))
        output.append(contentsOf: repeatElement(UInt8(ascii: "\t"), count: indentation))
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): output.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\\"): output.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): output.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): output.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): output.append(contentsOf: "\\t".utf8)
            case 0..<0x20: output.append(contentsOf: "\\u00\(ASCII.hex([byte]))".utf8)
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
