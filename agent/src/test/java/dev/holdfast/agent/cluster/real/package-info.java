/** The whole product in real processes, and what happens to it when they are stopped and killed. */
@org.jspecify.annotations.NullMarked
package dev.holdfast.agent.cluster.real;
