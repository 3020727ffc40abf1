use stetho_core::run::Better::{Higher, Lower};
use stetho_core::run::LayerQuantity::{
    DeadShare, SaturatedShare, UpdateNorm, UpdateRatio, WeightNorm, ZeroShare,
};
use stetho_core::run::Part::{Test, Train, Validation};
use stetho_core::run::Quantity::{self, *};

use super::*;

/// Names as people log them, what they mean, and of what.
const TABLE: &[(&str, Quantity, &str)] = &[
    ("loss", Loss(Train), ""),
    ("train_loss", Loss(Train), ""),
    ("train/loss", Loss(Train), ""),
    ("Loss/train", Loss(Train), ""),
    ("loss/train", Loss(Train), ""),
    ("training_loss", Loss(Train), ""),
    ("train_loss_step", Loss(Train), ""),
    ("train_loss_epoch", Loss(Train), ""),
    ("trainLoss", Loss(Train), ""),
    ("Train Loss", Loss(Train), ""),
    ("running_loss", Loss(Train), ""),
    ("losses/total", Loss(Train), ""),
    ("total_loss", Loss(Train), ""),
    ("avg_loss", Loss(Train), ""),
    ("batch loss", Loss(Train), ""),
    ("cost", Loss(Train), ""),
    ("val_loss", Loss(Validation), ""),
    ("val/loss", Loss(Validation), ""),
    ("Loss/val", Loss(Validation), ""),
    ("valid_loss", Loss(Validation), ""),
    ("validation/loss", Loss(Validation), ""),
    ("eval_loss", Loss(Validation), ""),
    ("eval/loss", Loss(Validation), ""),
    ("dev/loss", Loss(Validation), ""),
    ("val_loss_epoch", Loss(Validation), ""),
    ("epoch_val_loss", Loss(Validation), ""),
    ("test_loss", Loss(Test), ""),
    ("test/loss", Loss(Test), ""),
    ("train/box_loss", LossTerm(Train), "box"),
    ("train/cls_loss", LossTerm(Train), "cls"),
    ("val/dfl_loss", LossTerm(Validation), "dfl"),
    ("loss_kl", LossTerm(Train), "kl"),
    ("loss/recon", LossTerm(Train), "recon"),
    ("kl_loss", LossTerm(Train), "kl"),
    ("Loss_D", LossTerm(Train), "D"),
    ("lossG", LossTerm(Train), "G"),
    ("policy_loss", LossTerm(Train), "policy"),
    ("mse_loss", LossTerm(Train), "mse"),
    ("nll", LossTerm(Train), "nll"),
    ("val_nll", LossTerm(Validation), "nll"),
    ("cross_entropy", LossTerm(Train), "cross_entropy"),
    ("acc", Metric(Train, Higher), "acc"),
    ("accuracy", Metric(Train, Higher), "accuracy"),
    ("train_acc", Metric(Train, Higher), "acc"),
    ("val_acc", Metric(Validation, Higher), "acc"),
    ("val/accuracy", Metric(Validation, Higher), "accuracy"),
    ("eval_accuracy", Metric(Validation, Higher), "accuracy"),
    ("valid_top1", Metric(Validation, Higher), "top1"),
    ("Accuracy/test", Metric(Test, Higher), "Accuracy"),
    ("val_f1", Metric(Validation, Higher), "f1"),
    ("metrics/mAP50(B)", Metric(Validation, Higher), "mAP50(B)"),
    ("metrics/precision(B)", Metric(Validation, Higher), "precision(B)"),
    ("val_iou", Metric(Validation, Higher), "iou"),
    ("val/mIoU", Metric(Validation, Higher), "mIoU"),
    ("val_r2", Metric(Validation, Higher), "r2"),
    ("reward", Metric(Train, Higher), "reward"),
    ("rollout/ep_rew_mean", Metric(Train, Higher), "rollout/ep_rew"),
    ("psnr", Metric(Train, Higher), "psnr"),
    ("val_mae", Metric(Validation, Lower), "mae"),
    ("rmse", Metric(Train, Lower), "rmse"),
    ("eval_perplexity", Metric(Validation, Lower), "perplexity"),
    ("ppl", Metric(Train, Lower), "ppl"),
    ("val_wer", Metric(Validation, Lower), "wer"),
    ("val_error", Metric(Validation, Lower), "error"),
    ("lr", LearningRate, ""),
    ("LR", LearningRate, ""),
    ("lr-Adam", LearningRate, "Adam"),
    ("lr-SGD/pg1", LearningRate, "SGD/pg1"),
    ("lr/pg0", LearningRate, "pg0"),
    ("train/learning_rate", LearningRate, ""),
    ("learning_rate", LearningRate, ""),
    ("learningRate", LearningRate, ""),
    ("optimizer/lr", LearningRate, "optimizer"),
    ("grad_norm", GradientNorm, ""),
    ("train/grad_norm", GradientNorm, ""),
    ("gradient_norm", GradientNorm, ""),
    ("grad/total_norm", GradientNorm, ""),
    ("global_grad_norm", GradientNorm, ""),
    ("grad_2.0_norm_total", GradientNorm, ""),
    ("gnorm", GradientNorm, ""),
    ("grad_norm_clipped", GradientNorm, "clipped"),
    ("grad_norm_after_clip", GradientNorm, "clipped"),
    ("grad_norm_before_clip", GradientNorm, ""),
    ("max_grad_norm", ClipLimit, ""),
    ("clip_limit", ClipLimit, ""),
    ("grad_clip", ClipLimit, ""),
    ("grad_norm/fc1", Layer(LayerQuantity::GradientNorm), "fc1"),
    ("clip_value", ClipLimit, ""),
    ("clip_fraction", Other, ""),
    ("grad_norm/0.weight", Layer(LayerQuantity::GradientNorm), "0.weight"),
    ("weight_norm/2.weight", Layer(WeightNorm), "2.weight"),
    ("update_norm/0.bias", Layer(UpdateNorm), "0.bias"),
    ("grad_norm/fc1.weight", Layer(LayerQuantity::GradientNorm), "fc1.weight"),
    ("gradients/layer1.0.conv1.weight/norm", Layer(LayerQuantity::GradientNorm), "layer1.0.conv1.weight"),
    ("grad_2.0_norm/layer", Layer(LayerQuantity::GradientNorm), "layer"),
    ("grads/fc1.weight", Layer(LayerQuantity::GradientNorm), "fc1.weight"),
    ("grad/encoder.layers.3.linear", Layer(LayerQuantity::GradientNorm), "encoder.layers.3.linear"),
    ("fc1/grad_norm", Layer(LayerQuantity::GradientNorm), "fc1"),
    ("weights/fc1/norm", Layer(WeightNorm), "fc1"),
    ("weight_norm/fc1.weight", Layer(WeightNorm), "fc1.weight"),
    ("param_norm/conv1.bias", Layer(WeightNorm), "conv1.bias"),
    ("update_norm/fc1", Layer(UpdateNorm), "fc1"),
    ("log10_update_ratio/fc1", Layer(UpdateRatio), "fc1"),
    ("train/kl", LossTerm(Train), "kl"),
    ("val/rec", LossTerm(Validation), "rec"),
    ("update_ratio/fc1", Layer(UpdateRatio), "fc1"),
    ("dead_share/relu1", Layer(DeadShare), "relu1"),
    ("dead_units/relu2", Layer(DeadShare), "relu2"),
    ("zero_share/relu1", Layer(ZeroShare), "relu1"),
    ("saturated_share/tanh1", Layer(SaturatedShare), "tanh1"),
    ("loss_scale", LossScale, ""),
    ("train/scale", LossScale, ""),
    ("scale", LossScale, ""),
    ("amp/scale", LossScale, ""),
    ("grad_scale", LossScale, ""),
    ("Time", StepTime, ""),
    ("Data", DataTime, ""),
    ("step_time", StepTime, ""),
    ("time/step", StepTime, ""),
    ("data_time", DataTime, ""),
    ("data_loading_time", DataTime, ""),
    ("time/data_wait", DataTime, ""),
    ("memory", Memory, ""),
    ("gpu_memory_allocated", Memory, "gpu_memory_allocated"),
    ("rss_mb", Memory, "rss_mb"),
    ("class_share/cat", ClassShare, "cat"),
    ("pred_frac_3", ClassShare, "3"),
    ("pred_positive", ClassShare, "positive"),
    ("val/predicted_positives", ClassShare, "positive"),
    ("false_positive_rate", Other, ""),
    ("baseline_accuracy", Baseline(Train), "accuracy"),
    ("val_baseline_loss", Baseline(Validation), ""),
    ("epoch", Epoch, ""),
    ("ep", Epoch, ""),
    ("train/epoch", Epoch, ""),
    ("samples_per_second", Other, ""),
    ("train_samples_per_second", Other, ""),
    ("eval_runtime", Other, ""),
    ("temperature", Other, ""),
    ("beta", Other, ""),
    ("foo", Other, ""),
];

#[test]
fn names_of_strangers_are_understood() {
    let wrong: Vec<String> = TABLE
        .iter()
        .filter_map(|(tag, quantity, name)| {
            let found = guess(tag);
            let is_right = found.quantity == *quantity
                && found.name.trim_matches(['(', ')']) == name.trim_matches(['(', ')']);
            (!is_right).then(|| format!("{tag}: {found:?}, not {quantity:?} `{name}`"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_user_explains_names() {
    let names = Names::with(&["val_loss = held out/objective 2".into(), "lr=eta".into()]).unwrap();
    assert_eq!(names.meaning("held out/objective 2").quantity, Loss(Validation));
    assert_eq!(names.meaning("eta").quantity, LearningRate);
    assert_eq!(names.meaning("train_loss").quantity, Loss(Train));
    assert!(Names::with(&["loss".into()]).unwrap_err().to_string().contains("is not of the form"));
    assert!(Names::with(&["colour=x".into()]).unwrap_err().to_string().contains("`colour` means nothing"));
}

#[test]
fn packed_vectors_are_named_by_their_quantity() {
    for quantity in LayerQuantity::ALL {
        assert_eq!(Names::default().of_layers(&format!("layers/{}", quantity.word())), Layer(quantity));
    }
}

#[test]
fn what_stetho_writes_is_known_whatever_the_user_calls_it() {
    let meaning = |tag: &str| Names::default().meaning(tag);
    let term = Meaning { quantity: LossTerm(Train), name: "weight_loss".into() };
    assert_eq!(meaning("loss_terms/weight_loss"), term);
    assert_eq!(meaning("stetho/drawn").quantity, Live(Fact::Drawn));
    assert_eq!(meaning("stetho/rank_time/3").name, "3");
    assert_eq!(meaning("stetho/of_the_future").quantity, Other);
    let of_layers = |tag: &str| Names::default().of_layers(tag);
    assert_eq!(of_layers("layers/training_mode"), Live(Fact::TrainingMode));
    assert_eq!(of_layers("layers/class_share"), ClassShare);
}
