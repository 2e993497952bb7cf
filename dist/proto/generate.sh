#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Makes Sources/RktAPI/Generated from the protos in this directory.
#
# usage: generate.sh [--check]
#
# With --check nothing is made: the digest of the protos is compared with that of those which the Swift files were made from.
# The generators are built in $RKT_CACHE/protoc, once.

set -euo pipefail
export LC_ALL=C
cd "$(dirname "$(realpath "$0")")"

readonly SWIFT_PROTOBUF=1.39.0 GRPC_SWIFT_PROTOBUF=2.4.1
readonly output=$(realpath ../../Sources/RktAPI)/Generated
readonly protos=(v1alpha/api.proto grpc/health/v1/health.proto grpc/reflection/v1/reflection.proto
    grpc/reflection/v1alpha/reflection.proto)

die() {
    echo "generate.sh: $*" >&2
    exit 1
}

if [ "${1:-}" = --check ]; then
    [ "$(sha256sum "${protos[@]}")" = "$(cat "$output/SOURCES")" ] ||
        die "Sources/RktAPI/Generated was made from other files than dist/proto has; run 'make protobuf'"
    exit 0
fi
[ $# -eq 0 ] || die "usage: generate.sh [--check]"

command -v protoc >/dev/null || die "protoc is missing; run 'apt-get install protobuf-compiler'"
command -v swift >/dev/null || die "swift is not in PATH"

readonly package=${RKT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rkt-build}/protoc
mkdir -p "$package/Sources/unused"
echo 'print("unused")' >"$package/Sources/unused/main.swift"
cat >"$package/Package.swift" <<EOF
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "generators",
    dependencies: [
        .package(url: "https://github.com/apple/swift-protobuf.git", exact: "$SWIFT_PROTOBUF"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf.git", exact: "$GRPC_SWIFT_PROTOBUF"),
    ],
    targets: [
        .executableTarget(
            name: "unused",
            dependencies: [
                .product(name: "protoc-gen-swift", package: "swift-protobuf"),
                .product(name: "protoc-gen-grpc-swift-2", package: "grpc-swift-protobuf"),
            ])
    ]
)
EOF
for product in protoc-gen-swift protoc-gen-grpc-swift-2; do
    (cd "$package" && nice swift build -c release --product $product)
done
readonly programs=$package/.build/release

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
# generate CLIENT PROTO...: messages and the server's side, and the client's.
generate() {
    local client=$1
    shift
    protoc --proto_path=. \
        --plugin="$programs/protoc-gen-swift" --swift_out="$new" \
        --swift_opt=Visibility=Package,FileNaming=PathToUnderscores \
        --plugin="$programs/protoc-gen-grpc-swift-2" --grpc-swift-2_out="$new" \
        --grpc-swift-2_opt=Visibility=Package,FileNaming=PathToUnderscores,Server=true,Client="$client" "$@"
}
generate true "${protos[0]}"
generate false "${protos[@]:1}"

# What reflection answers with.
protoc --proto_path=. --include_imports --descriptor_set_out="$new/descriptors" "${protos[@]}"
{
    cat <<'EOF'
// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// DO NOT EDIT: made by dist/proto/generate.sh.
// swift-format-ignore-file

/// What the protos declare.
package enum Descriptors {
    /// A google.protobuf.FileDescriptorSet in base64, without comments.
    package static let set = """
EOF
    base64 -w 100 "$new/descriptors" | sed -e 's/^/        /' -e 's/$/\\/'
    echo '        '
    echo '        """'
    echo '}'
} >"$new/Descriptors.swift"
rm "$new/descriptors"
sha256sum "${protos[@]}" >"$new/SOURCES"

mkdir -p "$output"
rm -f "$output"/*
cp "$new"/* "$output"
echo "generate.sh: $(find "$output" -name '*.swift' | wc -l) files in $output"
