/**
 * Uniform grid over the floor plane for "within r metres", "the n nearest" and "in view": heights differ little in rooms, so cells are columns.
 *
 * [GR1] An id is in exactly one cell; moving within a cell costs one look-up.
 * [GR2] `within`, `nearest` and `inView` are exact: cells only choose whom to measure.
 */
const CELL_M = 4;
const MAX_RADIUS_M = 1e7;
/** Cells are counted from -2^20 to 2^20 on each axis: 4 194 km, beyond which positions are clamped together. */
const HALF_SPAN = 1 << 20;

const cellOf = (metres: number): number => Math.max(-HALF_SPAN, Math.min(HALF_SPAN - 1, Math.floor(metres / CELL_M)));
const keyOf = (x: number, z: number): number => (x + HALF_SPAN) * 2 * HALF_SPAN + (z + HALF_SPAN);

export type Point = { readonly x: number; readonly y: number; readonly z: number };

export class Grid {
  private readonly cells = new Map<number, Set<number>>();
  private readonly places = new Map<number, { point: Point; key: number }>();

  get size(): number {
    return this.places.size;
  }

  /** Puts or moves `id`; coordinates must be finite. */
  place(id: number, point: Point): void {
    const key = keyOf(cellOf(point.x), cellOf(point.z));
    const place = this.places.get(id);
    if (place?.key === key) {
      place.point = point;
      return;
    }
    if (place !== undefined) this.remove(id);
    let cell = this.cells.get(key);
    if (cell === undefined) this.cells.set(key, (cell = new Set()));
    cell.add(id);
    this.places.set(id, { point, key });
  }

  remove(id: number): void {
    const place = this.places.get(id);
    if (place === undefined) return;
    const cell = this.cells.get(place.key);
    cell?.delete(id);
    if (cell?.size === 0) this.cells.delete(place.key);
    this.places.delete(id);
  }

  /** Ids at most `radiusM` from `centre`, unordered. */
  within(centre: Point, radiusM: number): number[] {
    const found: number[] = [];
    const measure = (id: number): void => {
      const point = this.places.get(id)?.point;
      if (point !== undefined && distance(point, centre) <= radiusM) found.push(id);
    };
    // A hair more, so that rounding at a cell's edge cannot hide somebody who is exactly `radiusM` away.
    const reach = radiusM * (1 + 1e-9) + 1e-9;
    const [x0, x1] = [cellOf(centre.x - reach), cellOf(centre.x + reach)];
    const [z0, z1] = [cellOf(centre.z - reach), cellOf(centre.z + reach)];
    // A radius that spans more cells than there are things is a look at every thing.
    if ((x1 - x0 + 1) * (z1 - z0 + 1) > this.places.size) {
      for (const id of this.places.keys()) measure(id);
      return found;
    }
    for (let x = x0; x <= x1; x++) for (let z = z0; z <= z1; z++) for (const id of this.cells.get(keyOf(x, z)) ?? []) measure(id);
    return found;
  }

  /** The `count` ids (of those admitted) nearest to `centre`, nearest first, ties by id. Exact: the radius grows until enough are surely inside. */
  nearest(centre: Point, count: number, admits?: (id: number) => boolean): number[] {
    if (count <= 0 || this.places.size === 0) return [];
    let ids: number[] = [];
    for (let radius = CELL_M; ; radius *= 2) {
      const all = this.within(centre, radius);
      ids = admits === undefined ? all : all.filter(admits);
      if (ids.length >= count || all.length === this.places.size || radius > MAX_RADIUS_M) break;
    }
    const away = new Map(ids.map((id) => [id, distance(this.places.get(id)?.point ?? centre, centre)]));
    return ids.sort((a, b) => (away.get(a) ?? 0) - (away.get(b) ?? 0) || a - b).slice(0, count);
  }

  /** Ids in view: at most `reachM` from `eye` and `halfAngleRad` off the horizontal gaze (a unit vector), unordered. */
  inView(eye: Point, gaze: { readonly x: number; readonly z: number }, halfAngleRad: number, reachM: number): number[] {
    const least = Math.cos(Math.min(Math.PI, halfAngleRad));
    return this.within(eye, reachM).filter((id) => {
      const point = this.places.get(id)?.point ?? eye;
      const [dx, dz] = [point.x - eye.x, point.z - eye.z];
      const flat = Math.hypot(dx, dz);
      return flat === 0 || (dx * gaze.x + dz * gaze.z) / flat >= least;
    });
  }
}

/** Metres. Not Math.hypot, which guards against overflow that room coordinates cannot reach and is several times slower. */
export const distance = (a: Point, b: Point): number => Math.sqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2 + (a.z - b.z) ** 2);
