import java.io.File;
import java.io.IOException;
import org.apache.zookeeper.server.persistence.FileTxnLog;
import org.apache.zookeeper.server.persistence.TxnLog;

/**
 * Prints each write that a ZooKeeper server has logged, one per line: milliseconds since 1970, the session that wrote, and
 * what (as far as the log tells, shortened). Run with the product's jars:
 * {@code java -cp 'lib/*' StoreWrites.java DIRECTORY}.
 */
final class StoreWrites {
    private static final int MOST = 300;

    public static void main(String[] arguments) throws IOException {
        try (TxnLog.TxnIterator writes = new FileTxnLog(new File(arguments[0])).read(0)) {
            for (boolean more = writes.getHeader() != null; more; more = writes.next()) {
                String what = String.valueOf(writes.getTxn()).replaceAll("[^ -~]", " ");
                System.out.println(writes.getHeader().getTime() + " 0x"
                        + Long.toHexString(writes.getHeader().getClientId()) + " type "
                        + writes.getHeader().getType() + " "
                        + what.substring(0, Math.min(MOST, what.length())));
            }
        }
    }
}
