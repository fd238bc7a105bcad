import { createTask, type Task, type TaskEvent } from './task.js';
import { type Transition, transition } from './transition.js';

/** The rules of `transition.ts`, for the many tasks of one kernel. */
export interface RuleBook {
  /** As {@link createTask}. */
  create(options: Parameters<typeof createTask>[0]): Task;
  /** As {@link transition}. */
  apply(task: Task, event: TaskEvent): Transition;
}

/**
 * A rule book that gives its last answer again where nothing differs. A task is a value and never changes, and most
 * tasks of a run live alike: those that wait share what they are, and nothing is made for each.
 */
export function createRuleBook(): RuleBook {
  let created: { readonly of: Parameters<typeof createTask>[0]; readonly task: Task } | undefined;
  let launched: Answer | undefined;
  let done: Answer | undefined;
  return {
    create(options) {
      if (created === undefined || !isSame(created.of, options)) created = { of: options, task: createTask(options) };
      return created.task;
    },
    // Neither of the two that are remembered holds what a user gave: no value, no error.
    apply(task, event) {
      if (event.kind === 'dependencyDone' && task.state.kind === 'waiting') {
        if (launched?.task !== task) launched = { task, transition: transition(task, event) };
        return launched.transition;
      }
      if (event.kind === 'attemptDone' && task.state.kind === 'launched') {
        if (done?.task !== task) done = { task, transition: transition(task, event) };
        return done.transition;
      }
      return transition(task, event);
    },
  };
}

interface Answer {
  readonly task: Task;
  readonly transition: Transition;
}

function isSame(a: Parameters<typeof createTask>[0], b: Parameters<typeof createTask>[0]): boolean {
  return (
    a.unresolved === b.unresolved && a.retries === b.retries && a.infrastructureRetries === b.infrastructureRetries
  );
}
