/** The parts of a virtual world, for benches that stage their own. */
export { EventQueue } from "./event-queue.ts";
export { Random } from "../random.ts";
export { TraceHash } from "./trace-hash.ts";
export { VirtualDisk } from "./virtual-disk.ts";
export { type LinkProfile, VirtualStream } from "./virtual-link.ts";
export { type Down, VirtualRoom } from "./virtual-room.ts";
export { VirtualTime } from "./virtual-time.ts";
