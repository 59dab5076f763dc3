package dev.rocketnest.bench;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32;

/** Bodies that differ from each other: 8 bytes id, 8 bytes time, then filling. */
final class Bodies {

    /** The least a body can be. */
    static final int MIN_SIZE = 16;

    private Bodies() {
    }

    /**
     * @param worker the sender, so that ids of several do not meet
     * @param number counted by the sender
     * @param time whatever the receiver makes of it
     */
    static byte[] create(int size, int worker, long number, long time) {
        byte[] body = new byte[Math.max(size, MIN_SIZE)];
        Arrays.fill(body, (byte) 'x');
        ByteBuffer.wrap(body).putLong((long) worker << 40 | number).putLong(time);
        return body;
    }

    static long id(byte[] body) {
        return ByteBuffer.wrap(body).getLong(0);
    }

    static long time(byte[] body) {
        return ByteBuffer.wrap(body).getLong(8);
    }

    static long checksum(byte[] body) {
        CRC32 crc = new CRC32();
        crc.update(body);
        return crc.getValue();
    }
}
