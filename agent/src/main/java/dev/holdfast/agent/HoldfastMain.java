package dev.holdfast.agent;

import dev.holdfast.agent.cli.HoldfastCommand;
import dev.holdfast.agent.cli.ProcessEnvironment;
import java.time.InstantSource;

/** The process: the command line, and behind two of its commands the agent and a ZooKeeper server. */
public final class HoldfastMain {

    private HoldfastMain() {}

    /** @param args the command line */
    public static void main(String[] args) {
        System.exit(HoldfastCommand.run(args, new ProcessEnvironment(new HoldfastDaemons(), InstantSource.system())));
    }
}
