mod damage;
mod formats;
mod links;
mod writing;
