/**
 * UNIX-domain sockets that carry one message per line. The only package that knows junixsocket, which is here for what
 * the JDK lacks: descriptors passed along (SCM_RIGHTS), read time-outs, and the pid of the peer.
 */
@NullMarked
package dev.holdfast.agent.unix;

import org.jspecify.annotations.NullMarked;
