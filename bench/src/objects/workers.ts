/**
 * People at work in a scene, by seed: who edits what, in the proportions of a building session. They put things elsewhere, colour them, write and
 * correct labels and notes, switch and count, make things and throw them away, leave and come back.
 */
import { createObject, deleteObject, addCounter, objectIds, setField, textField } from "@copresence/shared/scene";
import { defineScene, t } from "@copresence/shared/scene";
import { Random } from "@copresence/simulations/random";
import type { CrowdDocument } from "./crowd-document.ts";

const person = { create: true, edit: true, grab: true, chat: true, moderate: false };
export const site = defineScene({
  name: "site",
  version: 1,
  bounds: { min: [-50, 0, -50], max: [50, 10, 50] },
  roles: { guest: person, member: person, moderator: { ...person, moderate: true } },
  objects: {
    part: { transform: t.leased(), label: t.text(), color: t.lww(t.color()), on: t.lww(t.boolean()), uses: t.counter() },
    note: { transform: t.leased(), body: t.text(), color: t.lww(t.color()) },
  },
});

const WORDS = "valve turns left until the lamp shows green then wait for pressure to settle and call the desk before opening bypass two".split(" ");
/** Edits of one sitting: somebody who comes back has a new replica, and a new clientID. */
const SITTING = 300;
/** Characters of a text that people stop adding to. */
const FULL_TEXT = 600;
/** Shares of what people do; the rest is writing. */
const MOVE = 0.4;
const COLOUR = 0.55;
const SWITCH = 0.6;
const COUNT = 0.63;
const MAKE = 0.66;
const THROW_AWAY = 0.69;

export class Workers {
  private readonly crowd: CrowdDocument;
  private readonly random: Random;
  private readonly people: number;
  private readonly objects: number;
  private readonly stepMs: number;
  private ids: string[] = [];
  private made = 0;
  private readonly sat = new Map<string, number>();

  constructor(crowd: CrowdDocument, scale: { readonly people: number; readonly objects: number; readonly pauseS: number; readonly seed: number }) {
    this.crowd = crowd;
    this.random = new Random(scale.seed);
    this.people = scale.people;
    this.objects = scale.objects;
    this.stepMs = (scale.pauseS * 1000) / scale.people;
  }

  get count(): number {
    return this.ids.length;
  }

  act(times: number): void {
    this.ids = objectIds(this.crowd.replica);
    for (let i = 0; i < times; i++) {
      this.crowd.nowMs += this.stepMs;
      this.actOnce(this.someone());
    }
  }

  private someone(): string {
    const user = `person-${this.random.int(this.people)}`;
    const sat = this.sat.get(user) ?? SITTING;
    if (sat >= SITTING) this.crowd.join(user);
    this.sat.set(user, sat >= SITTING ? 1 : sat + 1);
    return user;
  }

  private actOnce(user: string): void {
    const { crowd, random } = this;
    if (this.ids.length < this.objects / 2) return this.make(user);
    const id = random.pick(this.ids);
    const part = id.startsWith("part");
    const what = random.next();
    if (what < MOVE) return crowd.move(user, id, [random.between(-40, 40), random.between(0, 3), random.between(-40, 40)], 1);
    if (what < COLOUR)
      return crowd.edit(user, (doc) =>
        setField(
          doc,
          site,
          id,
          "color",
          `#${random
            .int(2 ** 24)
            .toString(16)
            .padStart(6, "0")}`,
        ),
      );
    if (what < SWITCH && part) return crowd.edit(user, (doc) => setField(doc, site, id, "on", random.chance(0.5)));
    if (what < COUNT && part) return crowd.edit(user, (doc) => addCounter(doc, id, "uses", String(doc.clientID), 1));
    // As many are thrown away as are made once the site is full.
    if (what < MAKE) return this.make(user);
    if (what < THROW_AWAY) return this.throwAway(user, id);
    return this.write(user, id, part ? "label" : "body");
  }

  private make(user: string): void {
    if (this.ids.length >= this.objects * 1.1) return this.throwAway(user, this.random.pick(this.ids));
    const type = this.random.chance(0.7) ? "part" : "note";
    const id = `${type}-${++this.made}`;
    const words = type === "part" ? `${this.random.pick(WORDS)} ${this.made}` : this.sentence(20);
    const field = type === "part" ? "label" : "body";
    this.crowd.edit(user, (doc) => createObject(doc, site, type, id, { [field]: words, color: "#a0b0c0", transform: { position: [0, 1, 0] } }));
    this.ids.push(id);
  }

  private throwAway(user: string, id: string): void {
    this.crowd.edit(user, (doc) => deleteObject(doc, id));
    this.ids = this.ids.filter((other) => other !== id);
  }

  /** A word typed letter by letter would be one edit a letter; the SDK sends what is typed in 20 ms, about a letter or two. */
  private write(user: string, id: string, field: string): void {
    const { random } = this;
    this.crowd.edit(user, (doc) => {
      const text = textField(doc, id, field);
      if (text === undefined) return;
      const at = random.int(text.length + 1);
      const full = text.length > (field === "label" ? FULL_TEXT / 10 : FULL_TEXT);
      if (text.length > 12 && (full || random.chance(0.3))) text.delete(Math.min(at, text.length - 12), 1 + random.int(full ? 12 : 3));
      else text.insert(at, random.chance(0.2) ? `${random.pick(WORDS)} ` : random.pick([..."etaoinshrd "]));
    });
  }

  private sentence(words: number): string {
    return Array.from({ length: words }, () => this.random.pick(WORDS)).join(" ");
  }
}
