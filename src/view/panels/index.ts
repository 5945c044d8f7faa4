/** Every panel there is: adding one is a file and a line here. */
export { MemoryUse } from './memory-use.tsx';
export { Progress } from './progress.tsx';
export { Resources } from './resources.tsx';
export { TaskStream } from './task-stream.tsx';
export { TasksTimeline } from './tasks-timeline.tsx';
export { Workers } from './workers.tsx';
