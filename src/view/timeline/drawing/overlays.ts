import type { WindowFilter } from '../../../model/batch.ts';
import { CATEGORY_FUNCTION, matchedCategory } from '../../../model/task-state.ts';
import type { RunningView } from '../../../store/replica.ts';
import { xOf } from '../moving/viewport.ts';
import { drawGaps, drawMark, drawNow, drawRunning, NamePainter, type Shows, type Stage } from './painter.ts';
import { cssColor } from './pixels.ts';
import type { Overlay, Scene } from './scene.ts';

/** What every stream draws over its rows, in this order; overlays that others add lie above, the present above all. */
export function standardOverlays(): { readonly below: readonly Overlay[]; readonly above: readonly Overlay[] } {
  const names = new NamePainter();
  const shows =
    ({ functions, filter, replica }: Scene): Shows =>
    (task) =>
      functions?.has(task.fn) === false
        ? null
        : matchedCategory(CATEGORY_FUNCTION + task.fn, filter === null || matchesSoFar(filter, task, replica.clock()));
  return {
    below: [
      { draw: (draw, stage, { replica }) => drawGaps(draw, stage, replica.gaps, stage.theme.faint, stage.font) },
      {
        draw: (draw, stage, { main, replica }) => {
          if (main !== null) names.draw(draw, stage, main, replica.names, stage.font);
        },
      },
      {
        draw: (draw, stage, scene) => {
          const { running, names: functions } = scene.replica;
          drawRunning(draw, stage, running, scene.now, shows(scene));
          names.drawRunning(draw, stage, running, scene.now, shows(scene), functions, stage.font);
        },
      },
      { draw: drawMarks },
    ],
    above: [{ draw: drawLater }, { draw: (draw, stage, { now }) => drawNow(draw, stage, now, stage.theme.accent) }],
  };
}

/**
 * Whether a task that runs matches a filter so far: how it will end nobody knows. What a pattern means only the server knows, which
 * says so of tasks that have ended.
 */
function matchesSoFar(
  { status, minDuration = 0, maxDuration, text = '', regex }: WindowFilter,
  task: RunningView,
  now: number,
): boolean {
  const length = now - task.start / 1e6;
  const short = maxDuration === undefined || length <= maxDuration;
  return status === undefined && regex === undefined && short && length >= minDuration && task.key.includes(text);
}

/** Had not happened yet where the playhead stands. */
const drawLater: Overlay['draw'] = (draw, stage, { replica, now }) => {
  if (replica.playhead === null) return;
  const x = Math.max(0, Math.round(xOf(stage.scale, now)));
  if (x >= stage.scale.width) return;
  draw.fillStyle = cssColor(stage.panel, 0.78);
  draw.fillRect(x, 0, stage.scale.width - x, stage.height);
};

/** Frames around what is pointed at and what is chosen. */
function drawMarks(draw: Parameters<Overlay['draw']>[0], stage: Stage, scene: Scene): void {
  for (const [hit, strong] of [[scene.hover, false] as const, [scene.selected, true] as const]) {
    if (hit === null || hit.kind === 'shares') continue;
    const stop = hit.kind === 'slice' ? hit.stop : scene.base.absolute(scene.now);
    drawMark(draw, stage, { track: hit.track, start: hit.start, stop }, stage.theme.ink, strong);
  }
}
