/** The child process of `startTestServer`: prints its port, ends on SIGTERM. */
import type { JWK } from "jose";
import { startServer } from "../../main.ts";
import { testConfig, type TestServerOptions } from "./test-server.ts";

type Orders = { readonly transport: "ws" | "uws"; readonly keys: readonly JWK[]; readonly options: TestServerOptions };

const { transport, keys, options } = JSON.parse(process.argv[2] ?? "") as Orders;
const server = await startServer(testConfig(transport, keys, options));
process.on("SIGTERM", () => void server.stop().then((clean) => process.exit(clean ? 0 : 1)));
process.stdout.write(`${server.port}\n`);
