/**
 * Emulated WebXR (Meta's IWER) for machines without a headset: installed only where the browser has no `navigator.xr`, or where the address
 * asks for it with `?iwer=1`. Loaded on demand: with a real headset not a byte of it is fetched.
 */
import type { XRDevice } from "iwer";

export type EmulatedDevice = XRDevice;

/** The emulated headset, installed, or undefined where the real WebXR is to be used. */
export async function emulateHeadset(wanted: boolean): Promise<EmulatedDevice | undefined> {
  if (!wanted && navigator.xr !== undefined) return undefined;
  const { XRDevice, metaQuest3 } = await import("iwer");
  const device = new XRDevice(metaQuest3, { stereoEnabled: false, fovy: (68 * Math.PI) / 180 });
  device.installRuntime({ forceInstall: true });
  device.position.set(0, 1.62, 0);
  // Relaxed in front of the body; without this both hands start inside the head.
  device.controllers.left?.position.set(-0.22, 1.2, -0.32);
  device.controllers.right?.position.set(0.22, 1.2, -0.32);
  return device;
}
