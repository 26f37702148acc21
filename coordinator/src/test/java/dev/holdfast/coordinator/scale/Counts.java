package dev.holdfast.coordinator.scale;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the servers have counted so far, all together; transactions are those of the ensemble. */
record Counts(long requests, long sent, long transactions) {
    static Counts of(String connect) throws IOException {
        long requests = 0;
        long sent = 0;
        long transactions = 0;
        for (String server : List.of(connect.split(","))) {
            String told = ask(server);
            requests += Long.parseLong(match("Received: (\\d+)", told));
            sent += Long.parseLong(match("Sent: (\\d+)", told));
            transactions = Math.max(transactions, Long.parseLong(match("Zxid: 0x([0-9a-f]+)", told), 16));
        }
        return new Counts(requests, sent, transactions);
    }

    private static String ask(String server) throws IOException {
        String[] parts = server.split(":");
        try (Socket socket = new Socket(parts[0], Integer.parseInt(parts[1]))) {
            socket.getOutputStream().write("srvr".getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    private static String match(String pattern, String text) {
        Matcher found = Pattern.compile(pattern).matcher(text);
        if (!found.find()) {
            throw new IllegalStateException("no " + pattern + " in " + text);
        }
        return found.group(1);
    }
}
