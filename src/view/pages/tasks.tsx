import type { JSX } from 'solid-js';
import { TasksTimeline } from '../panels/index.ts';

/** The whole history of tasks. */
export function TasksPage(): JSX.Element {
  return <TasksTimeline />;
}
