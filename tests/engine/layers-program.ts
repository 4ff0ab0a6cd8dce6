/**
 * A program as any user of tfjs writes it, which knows nothing of our engines: a tf.layers model of tokens and
 * images, trained with model.fit, saved, loaded and asked for predictions. Seeds are fixed so that two
 * backends can be compared.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

const SAMPLES = 72;
const TOKENS = 12;
const SIDE = 12;
const CLASSES = 3;

function buildModel(): tfl.LayersModel {
  let seed = 0;
  const kernelInitializer = () => {
    seed++;
    return tfl.initializers.glorotUniform({ seed });
  };
  const tokens = tfl.input({ shape: [TOKENS], dtype: 'int32' });
  let text = tfl.layers
    .embedding({ inputDim: 50, outputDim: 12, embeddingsInitializer: kernelInitializer() })
    .apply(tokens) as tfl.SymbolicTensor;
  text = tfl.layers
    .conv1d({ filters: 12, kernelSize: 3, activation: 'relu', kernelInitializer: kernelInitializer() })
    .apply(text) as tfl.SymbolicTensor;
  text = tfl.layers
    .lstm({
      units: 8,
      kernelInitializer: kernelInitializer(),
      recurrentInitializer: tfl.initializers.orthogonal({ seed: 50 }),
    })
    .apply(text) as tfl.SymbolicTensor;

  const image = tfl.input({ shape: [SIDE, SIDE, 1] });
  let picture = tfl.layers
    .conv2d({ filters: 8, kernelSize: 3, activation: 'relu', kernelInitializer: kernelInitializer() })
    .apply(image) as tfl.SymbolicTensor;
  picture = tfl.layers.batchNormalization().apply(picture) as tfl.SymbolicTensor;
  picture = tfl.layers.maxPooling2d({ poolSize: 2 }).apply(picture) as tfl.SymbolicTensor;
  picture = tfl.layers.dropout({ rate: 0.2, seed: 7 }).apply(picture) as tfl.SymbolicTensor;
  picture = tfl.layers.flatten().apply(picture) as tfl.SymbolicTensor;

  let joint = tfl.layers.concatenate().apply([text, picture]) as tfl.SymbolicTensor;
  joint = tfl.layers
    .dense({ units: 24, activation: 'elu', kernelInitializer: kernelInitializer() })
    .apply(joint) as tfl.SymbolicTensor;
  const output = tfl.layers
    .dense({ units: CLASSES, activation: 'softmax', kernelInitializer: kernelInitializer() })
    .apply(joint) as tfl.SymbolicTensor;
  return tfl.model({ inputs: [tokens, image], outputs: output });
}

function makeData() {
  return tf.tidy(() => {
    const tokens = tf.randomUniform([SAMPLES, TOKENS], 0, 50, 'int32', 11);
    const image = tf.randomUniform([SAMPLES, SIDE, SIDE, 1], 0, 1, 'float32', 12);
    // What there is to learn: the class is how bright the image is, and how large the first token.
    const brightness = tf.greater(tf.mean(image, [1, 2, 3]), 0.5);
    const large = tf.greater(tf.reshape(tf.slice(tokens, [0, 0], [SAMPLES, 1]), [SAMPLES]), 25);
    const label = tf.add(tf.cast(brightness, 'int32'), tf.cast(large, 'int32'));
    return { tokens, image, labels: tf.cast(tf.oneHot(label, CLASSES), 'float32') };
  });
}

export interface Outcome {
  loss: number[];
  validationLoss: number[];
  accuracy: number[];
  predictions: Float32Array;
  /** The same by the model saved and loaded again. */
  reloaded: Float32Array;
  /** Tensors that were not disposed of. */
  leaked: number;
}

export async function trainAndReload(): Promise<Outcome> {
  const before = tf.memory().numTensors;
  const model = buildModel();
  const { tokens, image, labels } = makeData();
  const optimizer = tf.train.adam(0.01);
  model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const { history } = await model.fit([tokens, image], labels, {
    epochs: 5,
    batchSize: 12,
    validationSplit: 1 / 6,
    shuffle: false,
    verbose: 0,
  });

  const predict = async (m: tfl.LayersModel) => {
    const output = m.predict([tokens, image]) as tf.Tensor;
    const values = (await output.data()) as Float32Array;
    output.dispose();
    return values;
  };
  const predictions = await predict(model);
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  const loaded = await tfl.loadLayersModel(tf.io.fromMemory(saved as tf.io.ModelArtifacts));
  const reloaded = await predict(loaded);

  model.dispose();
  loaded.dispose();
  optimizer.dispose();
  tf.dispose([tokens, image, labels]);
  return {
    loss: history.loss as number[],
    validationLoss: history.val_loss as number[],
    accuracy: history.acc as number[],
    predictions,
    reloaded,
    leaked: tf.memory().numTensors - before,
  };
}
