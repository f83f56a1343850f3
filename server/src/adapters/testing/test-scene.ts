/** The scene of the server's own tests: a box one can grab and label. */
import { defaultRoles, defineScene, t } from "@copresence/shared/scene";

export default defineScene({
  name: "test",
  version: 1,
  bounds: { min: [-10, 0, -10], max: [10, 5, 10] },
  roles: defaultRoles,
  objects: { box: { transform: t.leased(), label: t.text() } },
});
