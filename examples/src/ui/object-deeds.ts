/** What can be done with each kind of object besides moving it: shown as buttons on the desktop, and the first is the trigger's in VR. */
import type { SpaceObject } from "@copresence/client";

export type Deed = { readonly label: string; readonly on?: boolean; act(): void };

export function deeds(object: SpaceObject): readonly Deed[] {
  const { fields } = object;
  const toggle = (field: string, on: string, off: string): Deed => {
    const value = fields[field] === true;
    return { label: value ? on : off, on: value, act: () => object.set(field, !value) };
  };
  const turns = (field: string): Deed => ({ label: `Turn (${String(fields[field] ?? 0)})`, act: () => object.count(field) });
  switch (object.type) {
    case "valve":
      return [toggle("open", "Open", "Shut"), turns("turns")];
    case "lamp":
      return [toggle("on", "On", "Off")];
    case "gear":
      return [turns("turns")];
    case "globe":
      return [toggle("spinning", "Spinning", "Still")];
    default:
      return [];
  }
}

/** Does the first thing the object can do, if there is one. */
export function useObject(object: SpaceObject | undefined): void {
  if (object !== undefined) deeds(object)[0]?.act();
}
