// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A virtio-serial controller with named ports, in order from number 1 on.
struct QEMUSerialPorts: QEMUOption {
    let ports: [(name: String, stream: QEMUCharacterDevice)]

    var arguments: [QEMUArgument] {
        var arguments = [QEMUArgument("-device", QEMUProperties("virtio-serial-pci", ["id": "ports"]))]
        for (index, port) in ports.enumerated() {
            arguments += port.stream.arguments
            arguments.append(
                QEMUArgument(
                    "-device",
                    QEMUProperties(
                        "virtserialport",
                        [
                            // Number 0 is kept for a console.
                            "bus": "ports.0", "nr": "\(index + 1)", "chardev": port.stream.id, "name": port.name,
                        ])))
        }
        return arguments
    }
}
