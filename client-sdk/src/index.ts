/** @copresence/client: be in the same space as other people. `connect` is the way in; space-types.ts is all there is behind it. */
export * from "./core/space-types.ts";
export { connect, type DevClaims, devTicket, devTickets } from "./adapters/connect.ts";
export { forgetOffline, type ForgetOptions } from "./adapters/indexed-db.ts";
export { XrBody, followXrVisibility } from "./adapters/webxr.ts";
export { Button, Gesture } from "@copresence/shared/pose";
export { DEVICE_COUNT, DEVICE_FLOATS, DeviceState, POSE_FLOATS } from "@copresence/shared/pose";
