#include "trainer/models/fused_norm.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "common/base/check.h"
#include "trainer/math/norm_kernels.h"
#include "trainer/math/parallel.h"

namespace fusor {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What one task sums. A function of the tensor's size alone, so that results do not depend on how
// many threads there are; small enough that a task's part stays in its core's cache.
constexpr std::int64_t kTaskElements = 1 << 17;
constexpr std::int64_t kLeastRows = 16;
constexpr std::int64_t kMostRows = 1024;

// A channels-last tensor's memory, cut into tasks.
struct Cut {
  explicit Cut(const at::Tensor& tensor)
      : channels(tensor.size(1)),
        rows(tensor.numel() / channels),
        task_rows(std::clamp(kTaskElements / channels, kLeastRows, kMostRows)),
        tasks((rows + task_rows - 1) / task_rows) {}

  NormRows Task(std::int64_t task) const {
    return {std::min(task_rows, rows - task * task_rows), channels};
  }
  std::int64_t Offset(std::int64_t task) const { return task * task_rows * channels; }

  std::int64_t channels;
  std::int64_t rows;
  std::int64_t task_rows;
  std::int64_t tasks;
};

template <class Work>
void ForTasks(const Cut& cut, const Work& work) {
  ParallelFor(cut.tasks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task)
      work(task, cut.Task(task), cut.Offset(task));
  });
}

template <class Number>
const Number* In(const at::Tensor& tensor, std::int64_t offset) {
  return tensor.defined() ? static_cast<const Number*>(tensor.const_data_ptr()) + offset : nullptr;
}
template <class Number>
Number* Out(const at::Tensor& tensor, std::int64_t offset) {
  return tensor.defined() ? static_cast<Number*>(tensor.mutable_data_ptr()) + offset : nullptr;
}

// Calls `work` with a value of the type that `tensor` has in memory.
template <class Work>
void WithNumber(const at::Tensor& tensor, const Work& work) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return work(float{});
    case at::kDouble:
      return work(double{});
    default:
      CHECK(tensor.scalar_type() == at::kBFloat16);
      return work(Bf16{});
  }
}

// One number per channel, in the type that the norm's parameters have.
template <class Number>
struct Statistics {
  using Real = Wide<Number>;
  explicit Statistics(std::int64_t channels)
      : mean(static_cast<std::size_t>(channels)), inverse(mean.size()) {}

  std::vector<Real> mean;
  std::vector<Real> inverse;  // 1 / sqrt(variance + epsilon)
};

// Of one channel over all tasks, in double. `squares` are about the mean of each task.
struct Moments {
  double mean = 0;
  double squares = 0;
};
template <class Real>
Moments Gather(const Cut& cut, const std::vector<Real>& means, const std::vector<Real>& squares,
               std::int64_t channel) {
  Moments all;
  double rows = 0;
  for (std::int64_t task = 0; task < cut.tasks; ++task) {
    const auto at = static_cast<std::size_t>(task * cut.channels + channel);
    const auto more = static_cast<double>(cut.Task(task).rows);
    const double difference = means[at] - all.mean;
    all.squares += squares[at] + difference * difference * rows * more / (rows + more);
    rows += more;
    all.mean += difference * more / rows;
  }
  return all;
}

// Those of the batch; the running ones move towards them.
template <class Number>
Statistics<Number> OfBatch(const at::Tensor& input, const NormTensors& norm,
                           const FusedNormOptions& options) {
  using Real = Wide<Number>;
  const Cut cut(input);
  std::vector<Real> means(static_cast<std::size_t>(cut.tasks * cut.channels));
  std::vector<Real> squares(means.size());
  ForTasks(cut, [&](std::int64_t task, const NormRows& size, std::int64_t offset) {
    NormMoments(size, In<Number>(input, offset), means.data() + task * cut.channels,
                squares.data() + task * cut.channels);
  });
  Statistics<Number> statistics(cut.channels);
  Real* running_mean = Out<Real>(norm.mean, 0);
  Real* running_variance = Out<Real>(norm.variance, 0);
  const auto rows = static_cast<double>(cut.rows);
  auto move = [&](Real& running, double value) {
    running = static_cast<Real>(running + options.share * (value - running));
  };
  for (std::int64_t c = 0; c < cut.channels; ++c) {
    const Moments moments = Gather(cut, means, squares, c);
    const auto at = static_cast<std::size_t>(c);
    statistics.mean[at] = static_cast<Real>(moments.mean);
    statistics.inverse[at] =
        static_cast<Real>(1 / std::sqrt(moments.squares / rows + options.epsilon));
    move(running_mean[c], moments.mean);
    move(running_variance[c], moments.squares / (rows - 1));
  }
  return statistics;
}

template <class Number>
Statistics<Number> OfRunning(const NormTensors& norm, double epsilon) {
  using Real = Wide<Number>;
  const std::int64_t channels = norm.mean.numel();
  Statistics<Number> statistics(channels);
  const Real* variance = In<Real>(norm.variance, 0);
  std::copy_n(In<Real>(norm.mean, 0), channels, statistics.mean.begin());
  for (std::size_t c = 0; c < statistics.mean.size(); ++c) {
    statistics.inverse[c] = static_cast<Real>(1 / std::sqrt(variance[c] + epsilon));
  }
  return statistics;
}

// [2, channels]: mean and inverse.
template <class Number>
at::Tensor Keep(const Statistics<Number>& statistics, const at::Tensor& like) {
  using Real = Wide<Number>;
  const auto channels = static_cast<std::int64_t>(statistics.mean.size());
  at::Tensor kept = at::empty({2, channels}, like.options());
  std::copy(statistics.mean.begin(), statistics.mean.end(), Out<Real>(kept, 0));
  std::copy(statistics.inverse.begin(), statistics.inverse.end(), Out<Real>(kept, channels));
  return kept;
}

template <class Number>
at::Tensor Apply(const at::Tensor& input, const at::Tensor& branch, const NormTensors& norm,
                 bool relu, const Statistics<Number>& statistics) {
  using Real = Wide<Number>;
  const Cut cut(input);
  const Real* weight = In<Real>(norm.weight, 0);
  const Real* bias = In<Real>(norm.bias, 0);
  std::vector<Real> scale(statistics.mean.size());
  std::vector<Real> shift(scale.size());
  for (std::size_t c = 0; c < scale.size(); ++c) {
    scale[c] = weight[c] * statistics.inverse[c];
    shift[c] = static_cast<Real>(bias[c] - static_cast<double>(statistics.mean[c]) *
                                               static_cast<double>(scale[c]));
  }
  at::Tensor out = at::empty_like(input);
  ForTasks(cut, [&](std::int64_t /*task*/, const NormRows& size, std::int64_t offset) {
    NormForward<Number>(size, {.x = In<Number>(input, offset),
                               .branch = In<Number>(branch, offset),
                               .scale = scale.data(),
                               .shift = shift.data(),
                               .relu = relu,
                               .y = Out<Number>(out, offset)});
  });
  return out;
}

// Everything that backward is computed from.
struct Saved {
  at::Tensor gradient;
  at::Tensor input;
  at::Tensor output;  // undefined without ReLU
  at::Tensor weight;
  at::Tensor statistics;
  bool batch_statistics = false;
};

// Sums of the gradient, and of its products with what the input differs from its mean.
template <class Real>
struct GradientSums {
  std::vector<Real> sum;
  std::vector<Real> products;
};

template <class Number>
NormGradient<Number> GradientAt(const Saved& saved, std::int64_t offset) {
  return {.gradient = In<Number>(saved.gradient, offset),
          .y = In<Number>(saved.output, offset),
          .x = In<Number>(saved.input, offset),
          .mean = In<Wide<Number>>(saved.statistics, 0)};
}

template <class Number>
GradientSums<Wide<Number>> SumGradients(const Saved& saved, const Cut& cut) {
  using Real = Wide<Number>;
  std::vector<Real> sums(static_cast<std::size_t>(cut.tasks * cut.channels));
  std::vector<Real> products(sums.size());
  ForTasks(cut, [&](std::int64_t task, const NormRows& size, std::int64_t offset) {
    NormGradientSums(size, GradientAt<Number>(saved, offset), sums.data() + task * cut.channels,
                     products.data() + task * cut.channels);
  });
  GradientSums<Real> all;
  for (std::int64_t c = 0; c < cut.channels; ++c) {
    double sum = 0;
    double product = 0;
    for (auto at = static_cast<std::size_t>(c); at < sums.size();
         at += static_cast<std::size_t>(cut.channels)) {
      sum += sums[at];
      product += products[at];
    }
    all.sum.push_back(static_cast<Real>(sum));
    all.products.push_back(static_cast<Real>(product));
  }
  return all;
}

struct Gradients {
  at::Tensor input;
  at::Tensor branch;
  at::Tensor weight;
  at::Tensor bias;
};

// With the batch's statistics the mean and the variance are functions of the input too.
template <class Number>
Gradients Backward(const Saved& saved, bool branch) {
  using Real = Wide<Number>;
  const Cut cut(saved.input);
  const GradientSums<Real> sums = SumGradients<Number>(saved, cut);
  const Real* weight = In<Real>(saved.weight, 0);
  const Real* inverse = In<Real>(saved.statistics, cut.channels);
  const double share = saved.batch_statistics ? 1 / static_cast<double>(cut.rows) : 0;
  Gradients result{.input = at::empty_like(saved.input),
                   .branch = branch ? at::empty_like(saved.input) : at::Tensor(),
                   .weight = at::empty_like(saved.weight),
                   .bias = at::empty_like(saved.weight)};
  std::vector<Real> scale(sums.sum.size());
  std::vector<Real> slope(scale.size());
  std::vector<Real> shift(scale.size());
  for (std::size_t c = 0; c < scale.size(); ++c) {
    const double inv = inverse[c];
    scale[c] = static_cast<Real>(weight[c] * inv);
    slope[c] = static_cast<Real>(-weight[c] * inv * inv * inv * sums.products[c] * share);
    shift[c] = static_cast<Real>(-weight[c] * inv * sums.sum[c] * share);
    Out<Real>(result.weight, 0)[c] = static_cast<Real>(sums.products[c] * inv);
    Out<Real>(result.bias, 0)[c] = sums.sum[c];
  }
  ForTasks(cut, [&](std::int64_t /*task*/, const NormRows& size, std::int64_t offset) {
    NormBackward<Number>(size, {.at = GradientAt<Number>(saved, offset),
                                .scale = scale.data(),
                                .slope = slope.data(),
                                .shift = shift.data(),
                                .dx = Out<Number>(result.input, offset),
                                .branch = Out<Number>(result.branch, offset)});
  });
  return result;
}

struct NormFunction : torch::autograd::Function<NormFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const std::optional<at::Tensor>& other, const at::Tensor& weight,
                            const at::Tensor& bias, const NormTensors& norm,
                            const FusedNormOptions& options) {
    const at::Tensor branch = other.value_or(at::Tensor());
    at::Tensor out;
    at::Tensor kept;
    const NormTensors tensors{weight, bias, norm.mean, norm.variance};
    WithNumber(input, [&](auto number) {
      using Number = decltype(number);
      const Statistics<Number> statistics = options.batch_statistics
                                                ? OfBatch<Number>(input, tensors, options)
                                                : OfRunning<Number>(tensors, options.epsilon);
      out = Apply<Number>(input, branch, tensors, options.relu, statistics);
      kept = Keep(statistics, weight);
    });
    context->save_for_backward({input, options.relu ? out : at::Tensor(), weight, kept});
    context->saved_data["batch"] = options.batch_statistics;
    context->saved_data["branch"] = branch.defined();
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list kept = context->get_saved_variables();
    const Saved saved{.gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast),
                      .input = kept[0],
                      .output = kept[1],
                      .weight = kept[2],
                      .statistics = kept[3],
                      .batch_statistics = context->saved_data["batch"].toBool()};
    Gradients result;
    WithNumber(saved.input, [&](auto number) {
      result = Backward<decltype(number)>(saved, context->saved_data["branch"].toBool());
    });
    return {result.input, result.branch, result.weight, result.bias, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

bool FusedNormTakes(const at::Tensor& input, const at::Tensor& weight) {
  const at::ScalarType type = input.scalar_type();
  const bool number = type == at::kBFloat16 ? weight.scalar_type() == at::kFloat
                                            : (type == at::kFloat || type == at::kDouble) &&
                                                  weight.scalar_type() == type;
  return number && input.is_cpu() && input.dim() == 4 && input.numel() > input.size(1) &&
         input.is_contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor FusedNorm(const at::Tensor& input, const at::Tensor& branch, const NormTensors& norm,
                     const FusedNormOptions& options) {
  std::optional<at::Tensor> other;
  if (branch.defined()) {
    other = branch.to(input.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
  }
  return NormFunction::apply(input, other, norm.weight, norm.bias, norm, options);
}

}  // namespace fusor
