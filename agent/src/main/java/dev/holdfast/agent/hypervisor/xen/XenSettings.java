package dev.holdfast.agent.hypervisor.xen;

import java.nio.file.Path;

/**
 * Where Xen's tools and sockets are. Immutable.
 *
 * @param xl how it is called
 * @param monitors where the QEMUs that show domains their disks have their QMP sockets
 * @param runDirectory holds {@code vms/NAME/} with the configurations that domains were started with
 */
record XenSettings(Xl xl, Path monitors, Path runDirectory) {}
