import { between, pan, span, type Viewport, zoomAbout } from './viewport.ts';

/** Movements that keys ask for while they are held. */
export type Movement = 'left' | 'right' | 'in' | 'out';

/** Widths of the view per second. */
const PAN_SPEED = 1.1;
/** Zoom factor per second. */
const ZOOM_SPEED = 5;
/** A tap of a key moves at least as long as this, ms. */
const LEAST_HOLD = 90;
/** Duration of a jump to somewhere else, ms. */
const JUMP = 120;

/** What moves a view by itself, frame by frame: held keys, and one jump at a time. */
export class Motion {
  readonly #held = new Map<Movement, { since: number; until: number }>();
  #jump: { from: Viewport; to: Viewport; since: number } | null = null;
  #last: number | null = null;

  get moving(): boolean {
    return this.#held.size > 0 || this.#jump !== null;
  }

  press(movement: Movement, time: number): void {
    const held = this.#held.get(movement);
    if (held === undefined) this.#held.set(movement, { since: time, until: Number.POSITIVE_INFINITY });
    else held.until = Number.POSITIVE_INFINITY;
    this.#jump = null;
  }

  release(movement: Movement): void {
    const held = this.#held.get(movement);
    if (held !== undefined) held.until = held.since + LEAST_HOLD;
  }

  releaseAll(): void {
    for (const movement of this.#held.keys()) this.release(movement);
  }

  /** Goes to `to`; at once where motion is unwanted. */
  jump(from: Viewport, to: Viewport, time: number, ease: boolean): void {
    this.#jump = { from, to, since: ease ? time : time - JUMP };
  }

  /** A movement by hand ends a jump where it is. */
  interrupt(): void {
    this.#jump = null;
  }

  step(view: Viewport, time: number, about: number): Viewport {
    const ms = this.#last === null ? 16 : Math.min(50, Math.max(0, time - this.#last));
    this.#last = this.moving ? time : null;
    let next = view;
    if (this.#jump !== null) {
      const share = Math.min(1, (time - this.#jump.since) / JUMP);
      next = share >= 1 ? this.#jump.to : between(this.#jump.from, this.#jump.to, 1 - (1 - share) ** 3);
      if (share >= 1) this.#jump = null;
    }
    for (const [movement, held] of this.#held) {
      const by = ms / 1000;
      if (movement === 'left') next = pan(next, -span(next) * PAN_SPEED * by);
      else if (movement === 'right') next = pan(next, span(next) * PAN_SPEED * by);
      else next = zoomAbout(next, about, ZOOM_SPEED ** (movement === 'in' ? -by : by));
      if (time >= held.until) this.#held.delete(movement);
    }
    return next;
  }
}
