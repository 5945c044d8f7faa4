import type { JSX } from 'solid-js';
import { MemoryUse, Progress, Resources, TaskStream } from '../panels/index.ts';
import { Welcome } from './welcome.tsx';

/** Everything at a glance: the stream takes the room, the rest stands around it. */
export function StatusPage(): JSX.Element {
  return (
    <>
      <div class="column left">
        <MemoryUse />
        <Resources />
      </div>
      <div class="column right">
        <Welcome />
        <TaskStream />
        <Progress />
      </div>
    </>
  );
}
