// Oracle runs of the experiment's studies: all in one file, since what they share takes longer to load than they take to run.
import './texts.cases.js';
import './models.cases.js';
import './rewards.cases.js';
import './distance.cases.js';
import './posterior.cases.js';
import './world.cases.js';
import './again.cases.js';
