//! Losses that are not meant to fall: those of a game between networks, and of learning by reward.

/// Why the losses of a run with these tags are not meant to fall; `None` where they are.
pub(crate) fn contest<'a>(tags: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let (mut generator, mut discriminator, mut rewards) = (false, false, false);
    for tag in tags {
        let tag = tag.to_lowercase();
        let words: Vec<&str> =
            tag.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let has = |list: &[&str]| words.iter().any(|w| list.contains(w));
        let is_loss = has(&["loss", "losses", "err", "error", "lossg", "lossd", "errg", "errd", "adv"]);
        generator |=
            has(&["generator", "gen", "lossg", "errg", "gloss", "genloss"]) || is_loss && has(&["g"]);
        discriminator |= has(&["discriminator", "disc", "critic", "lossd", "errd", "dloss", "discloss"])
            || is_loss && has(&["d"]);
        rewards |= has(&[
            "reward",
            "rewards",
            "rew",
            "episode",
            "episodic",
            "returns",
            "rollout",
            "policy",
            "actor",
            "td",
            "advantage",
        ]) || tag.contains("reward")
            // `ep` alone is the epoch.
            || has(&["ep"]) && has(&["rew", "len", "ret", "mean"])
            || has(&["return"]) && has(&["mean", "avg", "average", "train", "eval", "test"])
            || has(&["q"]) && is_loss;
    }
    match (generator && discriminator, rewards) {
        (true, _) => Some("two networks play against each other, so that the losses need not fall"),
        (_, true) => Some("the data change with the policy, so that the loss need not fall"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::contest;

    #[test]
    fn games_and_rewards_are_told_by_their_names() {
        let is = |tags: &[&str]| contest(tags.iter().copied()).is_some();
        assert!(
            is(&["Loss_D", "Loss_G"])
                && is(&["train/g_loss", "train/d_loss"])
                && is(&["generator_loss", "discriminator_loss"])
        );
        assert!(
            is(&["losses/policy_loss", "losses/value_loss"]) && is(&["rollout/ep_rew_mean", "train/loss"])
        );
        assert!(is(&["charts/episodic_return", "losses/td_loss"]) && is(&["lossG", "lossD"]));
        assert!(
            !is(&["loss", "val_loss", "lr", "grad_norm"]) && !is(&["train/loss_step", "train/loss_epoch"])
        );
        assert!(!is(&["ep", "it", "loss", "lr"]));
        assert!(
            !is(&["train/box_loss", "train/cls_loss", "train/dfl_loss"])
                && !is(&["loss_kl", "loss_recon", "epoch"])
        );
    }
}
