//! Makes a plan that breaks a rule smaller, as long as it breaks the same rule.

use super::plan::Plan;
use super::play::{Report, run};

/// How many smaller plans are tried at most.
const TRIES: usize = 400;

/// The smallest plan found that breaks the rule that `plan` breaks, and what it does; `None` if it breaks none.
#[must_use]
pub fn shrink(plan: &Plan) -> Option<(Plan, Report)> {
    let first = run(plan);
    let rule = first.violation.as_ref()?.rule;
    let (mut best, mut tries) = ((plan.clone(), first), 0);
    // By halves at first, one by one in the end.
    let mut portion = plan.size();
    while portion > 0 && tries < TRIES {
        let mut smaller = false;
        for candidate in candidates(&best.0, portion) {
            tries += 1;
            let report = run(&candidate);
            if report.violation.as_ref().is_some_and(|violation| violation.rule == rule) {
                (best, smaller) = ((candidate, report), true);
                break;
            }
        }
        if !smaller {
            portion /= 2;
        }
    }
    Some(best)
}

/// Plans without so many orders, pauses, troubles or steps in a row, and simpler in other ways.
fn candidates(plan: &Plan, portion: usize) -> Vec<Plan> {
    let mut plans = Vec::new();
    for from in (0..plan.orders.len()).step_by(portion) {
        let mut smaller = plan.clone();
        smaller.orders.drain(from..(from + portion).min(plan.orders.len()));
        plans.push(smaller);
    }
    for from in (0..plan.pauses.len()).step_by(portion) {
        let mut smaller = plan.clone();
        smaller.pauses.drain(from..(from + portion).min(plan.pauses.len()));
        plans.push(smaller);
    }
    for from in (0..plan.troubles.len()).step_by(portion) {
        let mut smaller = plan.clone();
        smaller.troubles.drain(from..(from + portion).min(plan.troubles.len()));
        plans.push(smaller);
    }
    for from in (0..plan.steps.len()).step_by(portion) {
        let mut smaller = plan.clone();
        smaller.steps.drain(from..(from + portion).min(plan.steps.len()));
        plans.push(smaller);
    }
    for nth in 0..plan.code.len() {
        let mut smaller = plan.clone();
        smaller.code.remove(nth);
        plans.push(smaller);
    }
    if plan.restore.is_some() {
        plans.push(Plan { restore: None, ..plan.clone() });
    }
    if plan.deaf {
        plans.push(Plan { deaf: false, ..plan.clone() });
    }
    if plan.shuffled {
        plans.push(Plan { shuffled: false, ..plan.clone() });
    }
    if plan.kept.is_some() {
        plans.push(Plan { kept: None, ..plan.clone() });
    }
    if portion == 1 {
        if plan.workers > 1 {
            plans.push(Plan { workers: plan.workers - 1, ..plan.clone() });
        }
        for nth in 0..plan.orders.len() {
            let order = &plan.orders[nth];
            if order.repeat.is_some() || order.cancel.is_some() || order.requeue.is_some() || order.delay.is_some() {
                let mut simpler = plan.clone();
                let order = &mut simpler.orders[nth];
                (order.repeat, order.cancel, order.requeue, order.delay) = (None, None, None, None);
                plans.push(simpler);
            }
        }
        for nth in 0..plan.pauses.len() {
            let rush = plan.pauses[nth].rush;
            for fewer in [0, rush / 2, rush - rush.min(1)].into_iter().filter(|fewer| *fewer < rush) {
                let mut simpler = plan.clone();
                simpler.pauses[nth].rush = fewer;
                plans.push(simpler);
            }
        }
    }
    plans
}
