#include "trainer/recipes/classify.h"

#include <ATen/ops/cross_entropy_loss.h>

#include <limits>

namespace fusor {
namespace {

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels,
                        at::Reduction::Reduction reduction, double smoothing) {
  return at::cross_entropy_loss(logits, labels, {}, reduction, /*ignore_index=*/-100, smoothing);
}

at::Tensor Right(const at::Tensor& predicted, const at::Tensor& labels) {
  return predicted.eq(labels).to(at::kDouble);
}

at::Tensor Weighed(const at::Tensor& own, const at::Tensor& other, const Batch& batch) {
  if (!batch.shares.defined()) return own.mul(batch.share).add(other, 1 - batch.share);
  const at::Tensor shares = batch.shares.to(own.scalar_type());
  return own.mul(shares[0]).add(other.mul(shares[1]));
}

}  // namespace

at::Tensor MeanLoss(const at::Tensor& logits, const Batch& batch, double smoothing) {
  const at::Tensor own = CrossEntropy(logits, batch.targets, at::Reduction::Mean, smoothing);
  if (!batch.partner_targets.defined()) return own;
  const at::Tensor other =
      CrossEntropy(logits, batch.partner_targets, at::Reduction::Mean, smoothing);
  return Weighed(own, other, batch);
}

at::Tensor MeanAccuracy(const at::Tensor& logits, const Batch& batch) {
  const at::Tensor predicted = logits.detach().argmax(1);
  const at::Tensor own = Right(predicted, batch.targets).mean();
  if (!batch.partner_targets.defined()) return own;
  return Weighed(own, Right(predicted, batch.partner_targets).mean(), batch);
}

void Score::Add(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor loss = CrossEntropy(logits, labels, at::Reduction::Sum, 0).to(at::kDouble);
  const at::Tensor correct = Right(logits.argmax(1), labels).sum();
  loss_ = loss_.defined() ? loss_.add(loss) : loss;
  correct_ = correct_.defined() ? correct_.add(correct) : correct;
  count_ += labels.size(0);
}

double Score::Mean(const at::Tensor& sum) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  return sum.item<double>() / static_cast<double>(count_);
}

}  // namespace fusor
