mod damage;
mod formats;
mod joined;
mod links;
mod serial;
mod wifi;
mod writing;
