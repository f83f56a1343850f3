/**
 * Fifty people in one document over links that lose, repeat and swap messages, break and come back, with a slow and failing disk, while a moderator
 * changes who may do what. When everything is healed, every replica must equal the durable document, to the state vector.
 *
 * [CV1] One seed is one story; `npm run bench -- converge --seed N` tells it again.
 */
import { addCounter, createObject, deleteObject, objectIds, RIGHTS, setField, setMember, textField } from "@copresence/shared/scene";
import * as Y from "yjs";
import { contentOf, type Peer, workshop, World } from "./document-harness.ts";
import { Dice } from "./hostile/dice.ts";

export type StormOptions = { readonly seed: number; readonly people?: number; readonly steps?: number };
export type StormResult = { readonly failure: string | undefined; readonly edits: number; readonly denied: number };

const ROLES = ["member", "member", "member", "editor", "guest"] as const;
/** Chances in percent, per message. */
const LOST = 4;
const REPEATED = 4;
const SWAPPED = 6;

/** Plays one story. */
export function runStorm(options: StormOptions): StormResult {
  return new Storm(options).run();
}

class Storm {
  private readonly dice: Dice;
  private readonly world: World;
  private readonly people: { readonly peer: Peer; readonly role: string }[] = [];
  private readonly steps: number;
  /** Messages under way, by direction. */
  private readonly links = new Map<string, (() => void)[]>();
  private healed = false;

  constructor({ seed, people = 50, steps = 260 }: StormOptions) {
    this.dice = new Dice(seed);
    this.steps = steps;
    this.world = new World({ auto: false, link: (peer, direction, deliver) => this.carry(`${peer.session} ${direction}`, deliver) });
    for (let i = 0; i < people; i++) {
      const role = this.dice.pick(ROLES);
      const peer = this.world.join(`p${i}`, { role, kind: this.dice.chance(70) ? "sdk" : "stock", clientId: 100 + i });
      this.people.push({ peer, role });
    }
  }

  run(): StormResult {
    for (let step = 0; step < this.steps; step++) this.step(step);
    this.heal();
    const denied = this.people.reduce((sum, { peer }) => sum + peer.denied.length, 0);
    return { failure: this.difference(), edits: this.world.log.length, denied };
  }

  private step(step: number): void {
    const { dice, world } = this;
    world.nowMs += 500;
    const { peer, role } = dice.pick(this.people);
    const inside = world.peers.get(peer.session) === peer;
    const luck = dice.roll(100);
    if (luck < 4 && inside) world.leave(peer);
    else if (luck < 14 && !inside) comeBack(world, peer, role);
    else if (luck < 18) this.decree();
    else if (luck < 20 && world.appends.length > 0) world.land(false);
    else if (luck < 24) world.perform(world.document.recovered());
    else if (luck < 44 && world.appends.length > 0) world.land();
    else if (luck < 70) this.deliver(12);
    else edit(peer, dice, `n${step}`);
  }

  /** A moderator changes a rule. */
  private decree(): void {
    const { dice, world } = this;
    const [target, name] = dice.pick([
      ["scene", ""] as const,
      ["type", dice.pick(["valve", "note"])] as const,
      ["object", `n${dice.roll(this.steps)}`] as const,
    ]);
    const [to, who] = dice.pick([
      ["everybody", ""] as const,
      ["role", dice.pick(["member", "editor", "guest"])] as const,
      ["user", `p${dice.roll(50)}`] as const,
    ]);
    world.permissions.set({ target, name, to, who, right: dice.pick(RIGHTS) }, dice.pick([true, true, false, undefined]));
  }

  private carry(link: string, deliver: () => void): void {
    if (this.healed) return deliver();
    const { dice } = this;
    if (dice.chance(LOST)) return;
    let queue = this.links.get(link);
    if (queue === undefined) this.links.set(link, (queue = []));
    queue.push(deliver);
    if (dice.chance(REPEATED)) queue.push(deliver);
    if (queue.length > 1 && dice.chance(SWAPPED)) queue.push(...queue.splice(dice.roll(queue.length), 1));
  }

  /** Delivers what is under way on some links. */
  private deliver(links: number): void {
    const names = [...this.links.keys()];
    for (let i = 0; i < links && names.length > 0; i++) {
      const queue = this.links.get(this.dice.pick(names)) ?? [];
      for (let n = queue.length; n > 0; n--) queue.shift()?.();
    }
  }

  /** Links are good again, the disk works, and everybody has come back once more after whatever was refused. */
  private heal(): void {
    const { world } = this;
    this.links.clear();
    this.healed = true;
    world.perform(world.document.recovered());
    for (let round = 0; round < 3; round++) {
      for (const { peer, role } of this.people) {
        world.nowMs += 60_000;
        if (round > 0 && world.peers.get(peer.session) === peer) continue;
        if (world.peers.get(peer.session) === peer) world.leave(peer);
        comeBack(world, peer, role);
      }
      while (world.appends.length > 0) world.land();
    }
    // What is edited now reaches everybody without another sync.
    for (let i = 0; i < 10; i++) {
      const { peer } = this.dice.pick(this.people);
      world.nowMs += 60_000;
      if (peer.kind === "sdk") edit(peer, this.dice, `late-${i}`);
      while (world.appends.length > 0) world.land();
    }
  }

  private difference(): string | undefined {
    const stored = new Y.Doc();
    Y.applyUpdate(stored, this.world.document.state());
    const wanted = { vector: vectorOf(stored), content: JSON.stringify(sorted(contentOf(stored))) };
    stored.destroy();
    for (const { peer } of this.people) {
      if (this.world.peers.get(peer.session) !== peer) return `${peer.user} is not let in: ${peer.closed ?? "left"}`;
      if (vectorOf(peer.doc) !== wanted.vector) return `${peer.user} has the state vector ${vectorOf(peer.doc)}, the room ${wanted.vector}`;
      if (JSON.stringify(sorted(contentOf(peer.doc))) !== wanted.content) return `${peer.user} sees something else than the room`;
      if (peer.doc.store.pendingStructs !== null || peer.doc.store.pendingDs !== null) return `${peer.user} waits for something that never comes`;
    }
    return undefined;
  }
}

/** Somebody who was closed after a refusal begins anew, as an application would. */
function comeBack(world: World, peer: Peer, role: string): void {
  if (peer.closed === "deniedTooOften" || peer.closed === "malformedMessage") peer.renew(peer.doc.clientID + 1000);
  peer.closed = undefined;
  world.admit(peer, role);
}

function edit({ doc }: Peer, dice: Dice, name: string): void {
  const ids = objectIds(doc);
  const id = ids.length === 0 ? undefined : dice.pick(ids);
  if (id === undefined || dice.chance(10)) return createObject(doc, workshop, dice.pick(["valve", "note"]), name, { label: name });
  const text = textField(doc, id, "label");
  const note = doc.getMap<Y.Map<unknown>>("objects").get(id)?.get("type") === "note";
  switch (note ? 6 + dice.roll(4) : dice.roll(10)) {
    case 0:
      return void (dice.chance(30) && deleteObject(doc, id));
    case 1:
    case 2:
      return setField(doc, workshop, id, "open", dice.chance(50));
    case 3:
      return addCounter(doc, id, "turns", String(doc.clientID), 1);
    case 4:
      return setMember(doc, workshop, id, "tags", `t${dice.roll(4)}`, dice.chance(70));
    case 5: {
      const parts = doc.getMap<Y.Map<unknown>>("objects").get(id)?.get("parts");
      return void (parts instanceof Y.Array && parts.insert(dice.roll(parts.length + 1), [name]));
    }
    case 6:
      return void text?.delete(0, Math.min(2, text.length));
    default:
      return void text?.insert(dice.roll(text.length + 1), name);
  }
}

function vectorOf(doc: Y.Doc): string {
  const clocks = [...Y.decodeStateVector(Y.encodeStateVector(doc))].filter(([, clock]) => clock > 0);
  return JSON.stringify(clocks.sort(([a], [b]) => a - b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
