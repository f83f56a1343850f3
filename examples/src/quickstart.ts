import { connect, devTickets } from "@copresence/client";
import { attachThree } from "@copresence/client/three";
import { PerspectiveCamera, Scene, type WebGLRenderer } from "three";
import { workshop } from "./workshop.ts";

export async function walkIn(url: string, renderer: WebGLRenderer) {
  const ticket = devTickets(url, { space: "demo", name: "Ada" });
  const space = await connect({ url, space: "demo", scene: workshop, ticket });
  const [scene, camera] = [new Scene(), new PerspectiveCamera(70, 16 / 9, 0.05, 100)];
  const people = attachThree(space, { renderer, scene, camera });
  renderer.xr.enabled = true;
  renderer.setAnimationLoop((time) => {
    people.update(time);
    renderer.render(scene, camera);
  });
  space.on("joined", ({ name }) => console.log(`${name} walked in`));
  space.objects.get("valve-3", "valve")?.text("label").replace("Ada was here");
  return space;
}
