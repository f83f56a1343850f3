import { developmentConfig } from "@copresence/server/config";
import { startServer } from "@copresence/server/main";
import { issueTicket } from "@copresence/server/tickets";
import { initialObjects, workshop } from "./workshop.ts";

/** `keys` sign your tickets: `await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])`, kept with your other secrets. */
export async function openRooms(file: string, keys: CryptoKeyPair, port: number) {
  const authority = { issuer: "https://studio.example", audience: "copresence" };
  const publicKeys = [await crypto.subtle.exportKey("jwk", keys.publicKey)];
  const spaces = [{ spaces: "room-*", scene: workshop, initial: initialObjects }];
  const store = { kind: "sqlite", file } as const;
  const server = await startServer(developmentConfig(spaces, { port, store, tickets: { ...authority, publicKeys, development: false } }));
  // Called where your application knows who asks; its answer is the `ticket` of `connect`.
  const admit = (user: string, name: string, space: string) =>
    issueTicket(keys.privateKey, authority, { user, name, role: "member", space, region: "local" }, Math.floor(Date.now() / 1000));
  return { server, admit };
}
