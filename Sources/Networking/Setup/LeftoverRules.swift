// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import SystemPackage

/// Rules of iptables that say in a comment which pod they are for, as ours and those of the usual plugins do.
package struct LeftoverRules {
    let tools: HostTools
    let directory: FilePath

    /// Removes a pod's rules and the chains that only they lead to.
    ///
    /// - Parameter madeByPlugins: whether those of plugins are meant, too.
    /// - Returns: how many rules of shared chains there were.
    /// - Throws: code `unsupported` when rules cannot be read, as on a kernel that has none.
    func remove(of uuid: PodUUID, madeByPlugins: Bool = true) throws -> Int {
        var count = 0
        var unreadable: (any Error)?
        for program in [tools.iptables, tools.ip6tables].compactMap({ $0 }) {
            do {
                count += try remove(of: uuid, by: program, madeByPlugins)
            } catch let error as RuntimeError where error.code == .unsupported {
                unreadable = error
            }
        }
        if let unreadable { throw unreadable }
        return count
    }

    /// Whoever else removes rules meanwhile, such as a plugin that a killed program has left, makes this one fail once.
    private static let attempts = 3

    private func remove(of uuid: PodUUID, by program: HostTools.Iptables, _ madeByPlugins: Bool) throws -> Int {
        var attempt = 1
        while true {
            let saved: String
            do {
                saved = try HostTools.run(program.save, in: directory)
            } catch {
                throw RuntimeError(.unsupported, "the rules cannot be read", cause: error)
            }
            guard let removal = LeftoverRules.removal(of: uuid, from: saved, madeByPlugins: madeByPlugins) else {
                return 0
            }
            do {
                _ = try HostTools.run(program.restore, HostTools.restoring, input: removal.input, in: directory)
                return removal.count
            } catch {
                guard attempt < LeftoverRules.attempts else { throw error }
                attempt += 1
            }
        }
    }

    private static let chainPrefixes = ["CNI-", PortForwarding.chainPrefix]

    /// Input of iptables-restore(8) that removes a pod's rules; nil when there are none.
    ///
    /// - Parameters:
    ///   - saved: what iptables-save(8) prints.
    ///   - madeByPlugins: whether rules of plugins are meant, too.
    package static func removal(
        of uuid: PodUUID, from saved: String, madeByPlugins: Bool
    ) -> (input: String, count: Int)? {
        let mark = (madeByPlugins ? "" : "rkt ") + "id: \\\"\(uuid)\\\""
        var input = ""
        var count = 0
        for table in tables(saved) {
            let own = table.rules.filter { $0.text.contains(mark) }
            let foreign = table.rules.filter { !$0.text.contains(mark) }
            // Chains that only rules of this pod jump to are its own.
            let targets = Set(own.compactMap(\.target)).filter { target in
                chainPrefixes.contains { target.hasPrefix($0) } && table.chains.contains(target)
                    && !foreign.contains { $0.target == target }
            }
            guard !own.isEmpty || !targets.isEmpty else { continue }
            let shared = own.filter { !targets.contains($0.chain) }
            count += shared.count
            input += "*\(table.name)\n"
            input += shared.map { "-D \($0.chain)\($0.rest)\n" }.joined()
            input += targets.sorted().map { "-F \($0)\n" }.joined()
            input += targets.sorted().map { "-X \($0)\n" }.joined()
            input += "COMMIT\n"
        }
        return input.isEmpty ? nil : (input, count)
    }

    private struct Table {
        let name: Substring
        var chains: Set<String> = []
        var rules: [Rule] = []
    }

    private struct Rule {
        let text: Substring
        let chain: String
        /// What follows the chain's name.
        let rest: Substring
        let target: String?
    }

    private static func tables(_ saved: String) -> [Table] {
        var tables: [Table] = []
        for line in saved.split(separator: "\n") {
            if line.hasPrefix("*") { tables.append(Table(name: line.dropFirst())) }
            guard let last = tables.indices.last else { continue }
            if line.hasPrefix(":") {
                tables[last].chains.insert(String(line.dropFirst().prefix { $0 != " " }))
            } else if line.hasPrefix("-A ") {
                let words = line.dropFirst(3)
                let chain = words.prefix { $0 != " " }
                tables[last].rules.append(
                    Rule(text: line, chain: String(chain), rest: words[chain.endIndex...], target: target(of: line)))
            }
        }
        return tables
    }

    /// The chain after `-j` or `-g`, which follow all matches; a comment cannot hold them outside of quotes.
    private static func target(of line: Substring) -> String? {
        var isQuoted = false
        var isEscaped = false
        var words: [String] = [""]
        for character in line {
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == " ", !isQuoted {
                words.append("")
                continue
            }
            words[words.count - 1].append(character)
        }
        guard let index = words.firstIndex(where: { $0 == "-j" || $0 == "-g" }), index + 1 < words.count else {
            return nil
        }
        return words[index + 1]
    }
}
