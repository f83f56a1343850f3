/** A boolean, number or string as messages carry it. */
export type WireValue = { readonly kind: "none" | "boolean" | "number" | "string"; readonly number: number; readonly text: string };

/** `none` for everything that is no finite plain value. */
export function wireValue(value: unknown): WireValue {
  if (typeof value === "boolean") return { kind: "boolean", number: value ? 1 : 0, text: "" };
  if (typeof value === "number" && Number.isFinite(value)) return { kind: "number", number: value, text: "" };
  if (typeof value === "string") return { kind: "string", number: 0, text: value };
  return { kind: "none", number: 0, text: "" };
}

export function plainValue({ kind, number, text }: WireValue): boolean | number | string | undefined {
  switch (kind) {
    case "boolean":
      return number !== 0;
    case "number":
      return number;
    case "string":
      return text;
    case "none":
      return undefined;
  }
}
