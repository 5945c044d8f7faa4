import type { Micros } from '../../model/units.ts';
import type { Overlay } from '../timeline/drawing/scene.ts';
import { xOf } from '../timeline/moving/viewport.ts';
import type { Marks } from './search.ts';

/** Height of the marks, CSS pixels. */
const HEIGHT = 5;
/** Parts of history that are wider than this say too little of where their hits are. */
const WIDEST = 40;

/** Where hits of a search lie in time: marks along the upper edge of the stream. */
export class HitMarks implements Overlay {
  marks: Marks | null = null;

  draw(
    draw: Parameters<Overlay['draw']>[0],
    stage: Parameters<Overlay['draw']>[1],
    scene: Parameters<Overlay['draw']>[2],
  ): void {
    if (this.marks === null) return;
    const { start, bin, counts } = this.marks;
    const at = (index: number): number =>
      xOf(stage.scale, scene.base.relative(((start + index * bin) * 1e6) as Micros));
    if (at(1) - at(0) > WIDEST * stage.ratio) return;
    draw.fillStyle = stage.theme.accent;
    const height = Math.round(HEIGHT * stage.ratio);
    for (const [index, count] of counts.entries()) {
      if (count === 0) continue;
      const x0 = Math.floor(at(index));
      const x1 = Math.max(x0 + Math.round(2 * stage.ratio), Math.ceil(at(index + 1)));
      if (x1 > 0 && x0 < stage.scale.width) draw.fillRect(x0, 0, x1 - x0, height);
    }
  }
}
