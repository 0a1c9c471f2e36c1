/** Every file of the suite. */

import "./client.test";
import "./models.test";
import "./views.test";
