import { expect, test } from 'vitest';
import { createRuleBook } from '../../../src/kernel/rule-book.js';
import { createTask, type TaskEvent } from '../../../src/kernel/task.js';
import { transition } from '../../../src/kernel/transition.js';

const READY: TaskEvent = { kind: 'dependencyDone' };
const DONE: TaskEvent = { kind: 'attemptDone' };
const budgets = { unresolved: 0, retries: 1, infrastructureRetries: 2 };

test('tasks that live alike share what they are at every step', () => {
  const rules = createRuleBook();
  const [one, other] = [rules.create({ ...budgets }), rules.create({ ...budgets })];
  expect(other).toBe(one);
  const [launched, launchedToo] = [rules.apply(one, READY), rules.apply(other, READY)];
  expect(launchedToo).toBe(launched);
  expect(launched).toEqual(transition(one, READY));
  const [done, doneToo] = [rules.apply(launched.task, DONE), rules.apply(launchedToo.task, DONE)];
  expect(doneToo).toBe(done);
  expect(done).toEqual(transition(launched.task, DONE));
});

test('a task that differs in anything gets an answer of its own', () => {
  const rules = createRuleBook();
  const variants = [{}, { unresolved: 2 }, {}, { retries: 0 }, {}, { infrastructureRetries: 0 }, {}];
  for (const variant of variants) {
    const task = rules.create({ ...budgets, ...variant });
    expect(task).toEqual(createTask({ ...budgets, ...variant }));
    const ready = rules.apply(task, READY);
    expect(ready).toEqual(transition(task, READY));
    if (ready.task.state.kind === 'launched')
      expect(rules.apply(ready.task, DONE)).toEqual(transition(ready.task, DONE));
  }
});

test('what a failure has become is not remembered', () => {
  const rules = createRuleBook();
  const { task } = rules.apply(rules.create(budgets), { kind: 'dependencyFailed', error: new Error('once') });
  for (const event of [READY, DONE]) expect(rules.apply(task, event)).not.toBe(rules.apply(task, event));
});
