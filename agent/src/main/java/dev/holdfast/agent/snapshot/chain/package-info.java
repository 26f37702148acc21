/**
 * A machine's disks as layers, and the head that names the newest of them.
 *
 * <pre>
 * web.holdfast/
 *     layers/d0-000001.qcow2           what was written in one stretch of time; the name never changes and never comes back
 *     generations/000002/d0.qcow2      a link for each disk to the layer that is written in that generation, of that layer's form
 *     head -> generations/000002       the head, moved by one atomic rename; definitions name head/d0, for a disk of any form
 *                                      (no file is called so: ImageLink finds the one of the disk), or head/d0.qcow2
 *     head.aside                       the same while a running machine turns to the raw images below its layers: nothing can start
 *     snapshots/NAME.json, .memory     what a snapshot consists of, and its memory
 *     intent.json                      the change of the chain that is under way
 *     lost/                            what a recovery took away; only fsck removes it
 * </pre>
 *
 * <p>The rule (invariant I9): at every instant, crash included, starting the machine from {@code head} finds its newest
 * data. Every change is a list of {@link dev.holdfast.agent.snapshot.chain.ChainStep}s that
 * {@link dev.holdfast.agent.snapshot.chain.ChainPlan} makes from facts, without touching a file; a test runs those lists on a
 * model of a disk that loses what was not flushed and kills them after each step. {@link
 * dev.holdfast.agent.snapshot.chain.ChainDirectory} and {@link dev.holdfast.agent.snapshot.chain.ChainExecutor} do the
 * work.
 *
 * <p>Only the node that runs the machine, or holds its claim while it runs nowhere, may change a chain. Nothing here checks
 * that, and nothing here is thread-safe: the caller guarantees one operation at a time for a chain.
 */
@NullMarked
package dev.holdfast.agent.snapshot.chain;

import org.jspecify.annotations.NullMarked;
