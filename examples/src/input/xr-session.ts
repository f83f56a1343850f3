/** Entering and leaving VR through three.js. The buttons ask here; nothing else touches sessions. */
import type { WebGLRenderer } from "three";

export type XrSupport = "vr" | "none";

export async function xrSupport(): Promise<XrSupport> {
  try {
    return (await navigator.xr?.isSessionSupported("immersive-vr")) === true ? "vr" : "none";
  } catch {
    return "none";
  }
}

/** Resolves when the session presents. Throws a sentence when the browser or the person refuses. */
export async function enterVr(renderer: WebGLRenderer): Promise<XRSession> {
  if (navigator.xr === undefined) throw new Error("This browser has no WebXR.");
  try {
    const session = await navigator.xr.requestSession("immersive-vr", {
      requiredFeatures: ["local-floor"],
      optionalFeatures: ["hand-tracking", "bounded-floor"],
    });
    await renderer.xr.setSession(session);
    return session;
  } catch (cause) {
    throw new Error("VR did not start. Is the headset connected and allowed for this site?", { cause });
  }
}
