// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import RktAPI

extension V1alpha_ImageFilter {
    /// Whether an image passes every field that is not empty or 0.
    package func passes(_ image: V1alpha_Image) -> Bool {
        let baseName = image.name.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        return (ids.isEmpty || ids.contains(image.id))
            && (prefixes.isEmpty || prefixes.contains { image.name.utf8.starts(with: $0.utf8) })
            && (baseNames.isEmpty || baseNames.contains(baseName))
            && (keywords.isEmpty || keywords.contains { image.name.contains($0) })
            && labels.allSatisfy(image.labels.contains)
            && (importedAfter == 0 || image.importTimestamp > importedAfter)
            && (importedBefore == 0 || image.importTimestamp < importedBefore)
            && annotations.allSatisfy(image.annotations.contains)
            && (fullNames.isEmpty || fullNames.contains(image.name))
    }

    /// The first thing that no image could be asked for; nil when there is none.
    package var flaw: String? {
        if ids.contains("") { return "an empty ID in a filter" }
        if importedAfter < 0 || importedBefore < 0 { return "a time in a filter that is negative" }
        if importedBefore > 0, importedAfter >= importedBefore {
            return "imported_after in a filter that is not before imported_before"
        }
        return nil
    }
}
