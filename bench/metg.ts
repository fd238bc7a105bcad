/**
 * METG(50 %), the minimum effective task granularity: the shortest task, in milliseconds, of which workers still spend
 * half of their time on the tasks themselves (Slaughter et al., "Task Bench: A Parameterized Benchmark for Evaluating
 * Parallel Runtime Performance", SC20). Here it is the task's own duration that is told, not with its overhead.
 *
 * `efficiency` measures a duration; it is tried from `fromMs` by factors of two, then between the last two on a
 * logarithmic scale, to within 5 %.
 */
export async function findMetgMs(efficiency: (durationMs: number) => Promise<number>, fromMs: number): Promise<number> {
  const enough = async (durationMs: number): Promise<boolean> => (await efficiency(durationMs)) >= 0.5;
  let good = fromMs;
  while (!(await enough(good))) good *= 2;
  let bad = good / 2;
  // What was not enough a moment ago is not tried again.
  if (good === fromMs) for (; await enough(bad); bad /= 2) good = bad;
  for (let step = 0; step < 4; step++) {
    const middle = Math.sqrt(good * bad);
    if (await enough(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

/** The share of `workers`' time that tasks of `durationMs` took, of about half a second's worth of them. */
export async function efficiencyOf(
  durationMs: number,
  workers: number,
  run: (durationMs: number) => PromiseLike<unknown>,
): Promise<number> {
  const tasks = Math.min(20_000, Math.max(workers * 4, Math.round((500 * workers) / durationMs)));
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: tasks }, () => run(durationMs)));
  return (tasks * durationMs) / (workers * (performance.now() - startedMs));
}
