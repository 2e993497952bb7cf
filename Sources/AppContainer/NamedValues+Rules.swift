// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

extension Labels {
    /// Reads a list of labels: none may be called `name`, and `os` and `arch` must be a known pair.
    init(field: ManifestField) throws(ManifestError) {
        try self.init(field, name: ACIdentifier.init(parsing:)) { member, label throws(ManifestError) in
            guard label.name != "name" else { throw member["name"].failure("a label must not be called \"name\"") }
        }
        do throws(ScalarError) {
            try Platform.check(self)
        } catch {
            throw field.failure(error.description)
        }
    }
}

extension Annotations {
    /// Reads a list of annotations, checking the values of those whose form the specification defines.
    init(field: ManifestField) throws(ManifestError) {
        try self.init(field, name: ACIdentifier.init(parsing:)) { member, annotation throws(ManifestError) in
            do throws(ScalarError) {
                switch annotation.name.string {
                case "created": try Timestamp.check(annotation.value)
                case "homepage", "documentation": try Annotations.checkURL(annotation.value)
                default: break
                }
            } catch {
                throw member["value"].failure(error.description)
            }
        }
    }

    private static func checkURL(_ text: String) throws(ScalarError) {
        let scheme = ASCII.lowercased(text.prefix { $0 != ":" })
        guard scheme == "http" || scheme == "https", scheme.utf8.count < text.utf8.count,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { throw ScalarError(text, "is not an http or https URL") }
    }
}

extension Environment {
    /// Reads a list of environment variables.
    init(field: ManifestField) throws(ManifestError) {
        let parse = { (name: String) throws(ScalarError) -> String in
            try EnvironmentVariable.check(name: name)
            return name
        }
        try self.init(field, name: parse) { member, _ throws(ManifestError) in
            _ = try member["value"].cString()
        }
    }
}
