/** Entry point of the bench's server process. */
import { serveBench } from "./room-server.ts";

serveBench();
