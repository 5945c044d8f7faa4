import { For, type JSX, Show } from 'solid-js';
import type { LinkedTask, RecordDetails } from '../../../model/batch.ts';
import { formatCount, plural } from '../../format.ts';

/** So many tasks are listed; the arrows and the API say more. */
const MOST_LISTED = 20;

/** The tasks that one depended on and those that depended on it; each leads to where it ran. */
export function TaskLinks(props: {
  readonly details: RecordDetails;
  readonly onJump: (task: LinkedTask) => void;
}): JSX.Element {
  const dependents = () => props.details.dependents ?? { total: 0, complete: true, tasks: [] };
  return (
    <>
      <Links
        title={`Depended on ${plural(props.details.dependencies.total, 'task')}`}
        total={props.details.dependencies.total}
        tasks={[...props.details.dependencies.tasks].sort((a, b) => b.stop - a.stop)}
        onJump={props.onJump}
      />
      <Links
        title={`${plural(dependents().total, 'task')} depended on it${dependents().complete ? '' : ', as far as was looked'}`}
        total={dependents().total}
        tasks={dependents().tasks}
        onJump={props.onJump}
      />
    </>
  );
}

function Links(props: {
  readonly title: string;
  readonly total: number;
  readonly tasks: readonly LinkedTask[];
  readonly onJump: (task: LinkedTask) => void;
}): JSX.Element {
  const listed = () => props.tasks.slice(0, MOST_LISTED);
  return (
    <Show when={props.total > 0}>
      <section class="task-links" aria-label={props.title}>
        <h4>{props.title}</h4>
        <ul>
          <For each={listed()}>
            {(task) => (
              <li>
                <button type="button" title="Go to this task" onClick={() => props.onJump(task)}>
                  {task.key}
                </button>
              </li>
            )}
          </For>
        </ul>
        <Show when={props.total > listed().length}>
          <p>
            {listed().length === 0
              ? 'None of them is in this history.'
              : `and ${formatCount(props.total - listed().length)} more`}
          </p>
        </Show>
      </section>
    </Show>
  );
}
