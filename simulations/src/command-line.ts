/**
 * What commands do with their arguments: what is wrong is a sentence, found before anything runs for minutes.
 *
 * [CO1] Nothing is left behind by asking: a file that was not there is not there afterwards.
 */
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The arguments, or the parser's sentence and the usage on standard error and exit code 2. */
export function readArguments<T>(parse: () => T, usage: string): T {
  try {
    return parse();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}

/** Why results cannot be written to a file, or undefined [CO1]. */
export function fileFault(file: string): string | undefined {
  const existed = existsSync(file);
  try {
    closeSync(openSync(file, "a"));
    if (!existed) rmSync(file);
    return undefined;
  } catch (error) {
    return `${file} cannot be written: ${(error as Error).message}.`;
  }
}

/** Why results cannot be written into a folder, or one cannot be made there, or undefined [CO1]. */
export function folderFault(folder: string): string | undefined {
  // Tried in what is there already: Node's recursive mkdir never returns below /proc.
  let there = resolve(folder);
  while (!existsSync(there)) there = dirname(there);
  try {
    rmSync(mkdtempSync(join(there, "try-")), { recursive: true });
    return undefined;
  } catch (error) {
    return `${folder} cannot be written to: ${(error as Error).message}.`;
  }
}
