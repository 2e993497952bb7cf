// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import Synchronization
import SystemPackage

/// The certificates that a `WebServer` shows, made once for a run of tests.
package enum WebCertificates {
    /// What is right or wrong with a certificate.
    package enum Kind: String, Sendable, CaseIterable {
        /// For `localhost`, 127.0.0.1 and `hosts`, issued by the authority.
        case valid
        case expired
        case otherHost
        /// Issued by nobody else.
        case selfSigned
    }

    /// Names that the certificate is valid for beside `localhost`.
    package static let hosts = [
        "example.com", "*.example.com", "example.org", "registry-1.docker.io", "auth.docker.io", "*.test",
    ]

    private static let made = Mutex<ScratchDirectory?>(nil)

    /// The certificate of the authority, for SSL_CERT_FILE.
    package static func authority() throws -> FilePath { try directory().appending("authority.pem") }

    /// A server's certificate and its key in one file.
    package static func file(_ kind: Kind) throws -> FilePath { try directory().appending("\(kind.rawValue).both") }

    private static func directory() throws -> FilePath {
        try made.withLock { made in
            if let made { return made.path }
            let scratch = try ScratchDirectory()
            try make(in: scratch.path)
            made = scratch
            // Statics live to the end of the process, but are not torn down there.
            atexit { WebCertificates.discard() }
            return scratch.path
        }
    }

    private static func discard() {
        made.withLock { made in
            made?.close()
            made = nil
        }
    }

    private static func make(in directory: FilePath) throws {
        let names = (["localhost"] + hosts).map { "DNS:\($0)" }.joined(separator: ",") + ",IP:127.0.0.1"
        let script = """
            set -e
            cd "$0"
            exec 2>/dev/null
            new="openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
            extensions() { printf 'basicConstraints=CA:FALSE\\nsubjectAltName=%s\\n' "$1"; }
            $new -x509 -days 30 -subj '/CN=Authority of tests' -keyout authority.key -out authority.pem
            for kind in valid expired otherHost selfSigned; do
                names='\(names)' days=30
                [ $kind != expired ] || days=-1
                [ $kind != otherHost ] || names=DNS:elsewhere.invalid
                extensions "$names" >$kind.extensions
                $new -subj "/CN=$kind" -keyout $kind.key -out $kind.request
                if [ $kind = selfSigned ]; then
                    openssl x509 -req -in $kind.request -signkey $kind.key -days 30 -extfile $kind.extensions \
                        -out $kind.pem
                else
                    openssl x509 -req -in $kind.request -CA authority.pem -CAkey authority.key -CAcreateserial \
                        -days $days -extfile $kind.extensions -out $kind.pem
                fi
                cat $kind.pem $kind.key >$kind.both
            done
            """
        _ = try Program.output("sh", "-c", script, directory.string)
    }
}
