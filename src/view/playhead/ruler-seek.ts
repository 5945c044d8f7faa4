import type { Camera } from '../timeline/moving/camera.ts';
import type { Playhead } from './playhead.ts';

/** A press on the ruler, and a drag along it, set the playhead. Returns an undo. */
export function listenRuler(ruler: HTMLElement, plot: HTMLElement, camera: Camera, playhead: Playhead): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  const seek = ({ clientX }: PointerEvent): void => {
    const { base, view } = camera;
    const { left, width } = plot.getBoundingClientRect();
    if (base === null || width === 0) return;
    const place = Math.min(1, Math.max(0, (clientX - left) / width));
    playhead.seek(base.absolute(view.since + place * (view.until - view.since)) / 1e6);
  };
  ruler.addEventListener('pointerenter', () => ruler.classList.toggle('seeks', playhead.offered()), { signal });
  ruler.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0 || !playhead.offered()) return;
      ruler.setPointerCapture(event.pointerId);
      seek(event);
    },
    { signal },
  );
  ruler.addEventListener(
    'pointermove',
    (event) => {
      if (ruler.hasPointerCapture(event.pointerId)) seek(event);
    },
    { signal },
  );
  return () => listening.abort();
}
