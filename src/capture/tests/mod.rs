mod damage;
mod formats;
mod joined;
mod links;
mod merged;
mod serial;
mod wifi;
mod writing;
