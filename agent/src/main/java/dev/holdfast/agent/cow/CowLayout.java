package dev.holdfast.agent.cow;

/** Where the fields of a header are, by version: the packed structures of {@code arch/um/drivers/cow_user.c} (Linux 6.1). */
enum CowLayout {
    /** Numbers are in the byte order of the host that wrote them, which the magic number tells. */
    V1(1, 280, 8, 256, 264, 268, 276, -1),
    V2(2, 4120, 8, 4096, 4104, 4108, 4116, -1),
    V3(3, 4128, 32, 4096, 8, 12, 20, 24),
    /** Version 3 as 64-bit programs wrote it until December 2005: four more bytes after the time, and what follows is shifted. */
    V3_SHIFTED(3, 4136, 36, 4096, 8, 16, 24, 28);

    final int version;
    final int headerBytes;
    final int pathOffset;
    final int pathBytes;
    final int timeOffset;
    final int sizeOffset;
    final int sectorSizeOffset;
    /** Negative where the version has none. The format is behind it. */
    final int alignmentOffset;

    CowLayout(int version, int headerBytes, int... offsets) {
        this.version = version;
        this.headerBytes = headerBytes;
        this.pathOffset = offsets[0];
        this.pathBytes = offsets[1];
        this.timeOffset = offsets[2];
        this.sizeOffset = offsets[3];
        this.sectorSizeOffset = offsets[4];
        this.alignmentOffset = offsets[5];
    }
}
