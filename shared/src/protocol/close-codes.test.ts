import { utf8ByteLength } from "lib0/string";
import { describe, expect, it } from "vitest";
import { CLOSE, closeName, type CloseName, isRetryable, syncCloseCode } from "./close-codes.ts";

const NAMES = Object.keys(CLOSE) as CloseName[];

describe("close codes", () => {
  it("gives every reason a code of its own in the application range, clear of Colyseus's", () => {
    const codes = NAMES.map((name) => CLOSE[name].code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) {
      expect(code).toBeGreaterThanOrEqual(4000);
      expect(code).toBeLessThan(5000);
      expect(code >= 4000 && code <= 4010).toBe(false);
      expect(code).not.toBe(4217);
    }
  });

  it("finds names by code and says a whole sentence that fits a close frame (123 bytes)", () => {
    for (const name of NAMES) {
      expect(closeName(CLOSE[name].code)).toBe(name);
      expect(CLOSE[name].sentence).toMatch(/^[A-Z].*\.$/);
      expect(utf8ByteLength(CLOSE[name].sentence)).toBeLessThanOrEqual(123);
    }
    for (const code of [1000, 1001, 1006, 4000, 4010, 4217]) expect(closeName(code)).toBeUndefined();
  });

  it("retries what the table allows and what it does not know, but not a normal end", () => {
    expect(isRetryable(1000)).toBe(false);
    expect(isRetryable(1006)).toBe(true);
    expect(isRetryable(4001)).toBe(true);
    for (const name of NAMES) expect(isRetryable(CLOSE[name].code)).toBe(CLOSE[name].retryable);
  });

  it("tells stock Yjs providers to stop, by a code of 4400-4499, exactly when trying again is no use", () => {
    for (const name of NAMES) {
      const code = syncCloseCode(name);
      expect(code >= 4400 && code < 4500).toBe(!CLOSE[name].retryable);
      expect(closeName(code)).toBe(name);
      expect(isRetryable(code)).toBe(CLOSE[name].retryable);
    }
    expect(new Set(NAMES.flatMap((name) => [CLOSE[name].code, syncCloseCode(name)])).size).toBe(
      NAMES.length + NAMES.filter((name) => !CLOSE[name].retryable).length,
    );
  });
});
