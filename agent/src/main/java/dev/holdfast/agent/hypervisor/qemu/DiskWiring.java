package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.block.ImageNode;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The block nodes a disk is made of, from the file up to what the device is attached to. */
interface DiskWiring {
    /** The layer alone. */
    DiskWiring PLAIN = new DiskWiring() {
        @Override
        public List<Map<String, ?>> nodes(VmDefinition.Disk disk, Path layer) {
            return List.of(layer(disk, layer));
        }

        @Override
        public String top(VmDefinition.Disk disk) {
            return BlockGraph.firstNode(disk.id());
        }
    };

    /** Under a quorum of one, to which a copy can be added while the guest runs. A vote that fails there is not noticed. */
    DiskWiring FOLLOWED = new DiskWiring() {
        @Override
        public List<Map<String, ?>> nodes(VmDefinition.Disk disk, Path layer) {
            return List.of(layer(disk, layer), quorum(disk, BlockGraph.firstNode(disk.id())));
        }

        @Override
        public String top(VmDefinition.Disk disk) {
            return CopyNodes.top(disk.id());
        }
    };

    /**
     * The receiving side of QEMU's block replication (docs/block-replication.txt). The primary writes into the layer; what it
     * replaces goes to {@code hidden}, which with {@code active} shows the disk as it was at the last checkpoint.
     */
    static DiskWiring following(StandbyPlace place) {
        return new DiskWiring() {
            @Override
            public List<Map<String, ?>> nodes(VmDefinition.Disk disk, Path layer) {
                String id = disk.id();
                Map<String, ?> hidden = overlay(CopyNodes.hidden(id), place.hidden(id), BlockGraph.firstNode(id));
                Map<String, ?> active = overlay(CopyNodes.active(id), place.active(id), CopyNodes.hidden(id));
                Map<String, ?> copy = Map.of(
                        "driver", "replication",
                        "mode", "secondary",
                        "node-name", CopyNodes.receiver(id),
                        "top-id", CopyNodes.top(id),
                        "file", CopyNodes.active(id));
                return List.of(layer(disk, layer), hidden, active, copy, quorum(disk, CopyNodes.receiver(id)));
            }

            @Override
            public String top(VmDefinition.Disk disk) {
                return CopyNodes.top(disk.id());
            }
        };
    }

    /** In the order in which they are to be opened. */
    List<Map<String, ?>> nodes(VmDefinition.Disk disk, Path layer);

    /** The node of the device. */
    String top(VmDefinition.Disk disk);

    private static Map<String, ?> layer(VmDefinition.Disk disk, Path layer) {
        return ImageNode.options(BlockGraph.firstNode(disk.id()), layer);
    }

    private static Map<String, ?> overlay(String node, Path image, String below) {
        Map<String, Object> options = ImageNode.options(node, image);
        options.put("backing", below);
        return options;
    }

    private static Map<String, ?> quorum(VmDefinition.Disk disk, String child) {
        return Map.of(
                "driver",
                "quorum",
                "node-name",
                CopyNodes.top(disk.id()),
                "read-pattern",
                "fifo",
                "vote-threshold",
                1,
                "children",
                List.of(child));
    }
}
